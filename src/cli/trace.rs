//! What the rooms note while they work, on stderr when `SHOPFLOOR_TRACE` asks for it.

use std::io;

use tracing::Level;

use crate::host::Environment;

/// Listens from here on, if the environment says so.
pub(super) fn listen(env: &Environment) {
    if matches!(env.get("SHOPFLOOR_TRACE"), None | Some("0" | "false")) {
        return;
    }
    let told = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(Level::DEBUG)
        .with_ansi(false)
        .with_target(false);
    told.init();
}
