//! The README's first minute, as it stands there.

use crate::support::{Sandbox, tell};

#[test]
fn the_first_minute() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    repo.git("config shopfloor.prefix api").ok();
    tell("README.md", &repo);
}
