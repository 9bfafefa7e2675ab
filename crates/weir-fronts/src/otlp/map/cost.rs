//! What a call cost, where the client states it.

use weir_core::money::NanoUsd;

use super::fields::Mapping;
use super::read;
use super::table::{COST, COST_PARTS, Source};

/// Most dollars of one call that are believed.
const MAX_USD: f64 = 1e6;

/// The stated cost. `is_void` says that nothing came of the call: a stated 0 is then no price.
pub(super) fn stated(mapping: &mut Mapping, is_void: bool) -> Option<NanoUsd> {
    let total = mapping.first(COST, read::number);
    let usd = total.or_else(|| {
        COST_PARTS.iter().find_map(|(input, output)| {
            let mut part = |source: Source| mapping.first(&[source], read::number);
            match (part(*input), part(*output)) {
                (None, None) => None,
                (input, output) => Some(input.unwrap_or_default() + output.unwrap_or_default()),
            }
        })
    })?;
    let is_price = (0.0..=MAX_USD).contains(&usd) && !(is_void && usd == 0.0);
    is_price.then(|| NanoUsd::from_usd(usd))
}
