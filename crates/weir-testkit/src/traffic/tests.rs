use super::*;

#[test]
fn a_seed_is_a_project() {
    let conditions = Conditions { calls: 8_000.0, ..Conditions::default() };
    let (one, again, other) = (project(3, &conditions), project(3, &conditions), project(4, &conditions));
    let totals = |traffic: &Traffic| traffic.slices.iter().map(|slice| slice.total).collect::<Vec<_>>();
    assert_eq!(totals(&one), totals(&again));
    assert_ne!(totals(&one), totals(&other));
}

#[test]
fn traffic_has_the_volume_it_was_asked_for_and_every_dimension_adds_up() {
    let traffic = project(7, &Conditions { incidents: 0, ..Conditions::default() });
    assert_eq!(traffic.slices.len(), BUCKETS);
    let calls: u64 = traffic.slices.iter().map(|slice| slice.total.calls).sum();
    assert!((25_000..80_000).contains(&calls), "{calls}");
    for slice in &traffic.slices {
        for of in &slice.by {
            assert_eq!(of.values().map(|figures| figures.calls).sum::<u64>(), slice.total.calls);
        }
    }
}

#[test]
fn an_incident_shows_in_the_figures_of_its_cause() {
    let conditions = Conditions::default();
    let found = (0..40).map(|seed| project(seed, &conditions)).find_map(|traffic| {
        let of_one = |incident: &&Incident| {
            incident.kind == Kind::PromptTokens
                && incident.cause.as_ref().is_some_and(|(name, _)| *name == "department")
        };
        let incident = traffic.incidents.iter().find(of_one)?.clone();
        Some((traffic, incident))
    });
    let (traffic, incident) = found.unwrap();
    let (_, value) = incident.cause.unwrap();
    let mean = |range: std::ops::Range<usize>| {
        let mut sum = Figures::default();
        for figures in traffic.slices[range].iter().filter_map(|slice| slice.by[3].get(&value)) {
            sum.add(figures);
        }
        sum.prompt_tokens as f64 / sum.calls as f64
    };
    let (before, during) = (mean(0..incident.onset), mean(incident.onset..incident.end));
    assert!(during > 1.4 * before, "{before} {during}");
}
