//! `post-merge`: after a pull, work trees that a landing left aside come back, what was vetoed and
//! never queued is queued, and the gate shows what the remote has now.

use anyhow::Result;

use crate::bead::aside;
use crate::git::Repo;
use crate::githook::{route, transaction};
use crate::host::Clock;
use crate::ledger::Ledger;
use crate::refinery::{self, Queue};

pub fn merged(repo: &Repo, clock: &Clock, say: &mut dyn FnMut(&str)) -> Result<()> {
    transaction::adopt_left(repo, clock)?;
    let ledger = Ledger::open(repo, clock)?;
    for wrong in aside::attend(repo, &ledger)? {
        say(&wrong);
    }
    let queue: Queue = ledger.read()?;
    for note in refinery::settle(repo, &queue)? {
        say(&note);
    }
    if route::gate_dir(repo).exists() {
        route::mirror(repo)?;
    }
    Ok(())
}
