//! Call after call.

use super::call::{Call, draw};
use super::chance::Chance;
use super::incident::{Incident, Kind, onsets};
use super::profile::{Conditions, Profile};
use super::{BUCKETS, DAY, Slice, Traffic};

/// A project: the same for the same seed and conditions. Neighbouring seeds have every kind of incident in turn.
#[must_use]
pub fn project(seed: u64, conditions: &Conditions) -> Traffic {
    let mut chance = Chance::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5EED);
    let profile = Profile::new(&mut chance);
    // A working day in the third to fifth week.
    let day = 7 * chance.whole(2..5) + chance.whole(0..5);
    let holiday = day * DAY..(day + 1) * DAY;
    let doubled = loop {
        let start = chance.whole(conditions.first_day * DAY..33 * DAY);
        let doubled = start..start + chance.whole(48..2 * DAY);
        if doubled.end < holiday.start || doubled.start > holiday.end {
            break doubled;
        }
    };
    let deployed = profile.deployment.1;
    let deployment = deployed..deployed + 1;
    let onsets = onsets(conditions, &[holiday.clone(), doubled.clone(), deployment.clone()], &mut chance);
    let incidents: Vec<_> = onsets
        .into_iter()
        .enumerate()
        .map(|(place, onset)| {
            let kind = Kind::ALL[(seed as usize * conditions.incidents + place) % Kind::ALL.len()];
            Incident::new(kind, onset, &profile, conditions, &mut chance)
        })
        .collect();
    // In working hours, so that it has a bucket with other calls.
    let huge = loop {
        let bucket = chance.whole(conditions.first_day..34) * DAY + chance.whole(96..216);
        if incidents.iter().all(|incident| !incident.at(bucket)) {
            break bucket;
        }
    };
    let benign = Benign { holiday, doubled, huge };
    let slices = slices(&profile, conditions, &incidents, &benign, &mut chance);
    let Benign { holiday, doubled, .. } = benign;
    let harmless =
        vec![("holiday", holiday), ("doubled", doubled), ("deployment", deployment), ("huge request", huge..huge + 1)];
    Traffic { slices, incidents, harmless }
}

struct Benign {
    holiday: std::ops::Range<usize>,
    doubled: std::ops::Range<usize>,
    huge: usize,
}

fn slices(
    profile: &Profile,
    conditions: &Conditions,
    incidents: &[Incident],
    benign: &Benign,
    chance: &mut Chance,
) -> Vec<Slice> {
    let weights: f64 = profile.departments.iter().map(|d| d.weight).sum();
    let mut unrest = vec![0.0; profile.departments.len()];
    let mut slices = Vec::with_capacity(BUCKETS);
    for bucket in 0..BUCKETS {
        let mut slice = Slice::default();
        let day = bucket / DAY;
        let off = benign.holiday.contains(&bucket);
        let weekend = day % 7 >= 5 || off;
        let hour = (bucket % DAY) as f64 / 12.0;
        let growth = 1.0 + profile.growth * (bucket as f64 / BUCKETS as f64 - 0.5);
        let doubled = if benign.doubled.contains(&bucket) { 2.0 } else { 1.0 };
        let silent = incidents.iter().any(|incident| incident.kind == Kind::Silence && incident.at(bucket));
        for (place, department) in profile.departments.iter().enumerate() {
            // Restlessness that lasts about an hour.
            unrest[place] = 0.9 * unrest[place] + conditions.unrest * 0.436 * chance.normal();
            let mean = conditions.calls / BUCKETS as f64 * department.weight / weights;
            let calls = mean * department.rhythm(hour, weekend) * growth * doubled * f64::exp(unrest[place]);
            let calls = if silent { 0 } else { chance.poisson(calls) };
            for _ in 0..calls {
                let call = draw(profile, department, conditions, incidents, bucket, chance);
                call.record(department.name, &mut slice);
            }
        }
        if bucket == benign.huge {
            let call = Call::huge(chance.between(90_000.0, 300_000.0) as u64);
            call.record(profile.departments[0].name, &mut slice);
        }
        slices.push(slice);
    }
    slices
}
