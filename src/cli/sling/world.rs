//! What most verbs of `git sling` look at together.

use crate::agent::Roster;
use crate::bead::Beads;
use crate::refinery::Queue;

pub(super) type World = (Beads, Roster, Queue);
