//! One file per verb.

pub(crate) mod ab;
pub(crate) mod anomalies;
mod anomalies_table;
pub(crate) mod backup;
pub(crate) mod calls;
pub(crate) mod channels;
pub(crate) mod check_config;
pub(crate) mod cost;
pub(crate) mod demo_data;
pub(crate) mod detect;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod prune;
pub(crate) mod ready;
mod ready_table;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod tokens;
pub(crate) mod workflow;
