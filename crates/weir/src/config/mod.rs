//! The configuration: defaults, then the file, then `WEIR_SECTION__KEY` variables, then flags. Unknown keys are an
//! error that names the nearest known one.

mod artifacts;
mod backup;
mod load;
mod otlp;
mod overrides;
mod readiness;
mod reference;
mod settings;
mod watch;

pub(crate) use load::{Flags, Loaded, load};
pub(crate) use otlp::{GrpcListen, OtlpConfig};
pub(crate) use settings::{LogFormat, ServerConfig, Settings};
