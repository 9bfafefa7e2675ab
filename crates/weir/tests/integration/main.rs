//! One integration binary: one link step for everything that needs the built program or the whole workspace.

mod edges;
mod first_run;
mod server;
