//! One integration binary: one link step for everything that needs the built program or the whole workspace.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod edges;
mod first_run;
mod server;
