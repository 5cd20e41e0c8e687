//! What the stories stand on: a sealed world, a way to compare what varies, transcripts that run.

mod dice;
mod ran;
mod redact;
mod sandbox;
mod soon;
mod story;

pub(crate) use dice::{Dice, all_faults, beside, hit, kills};
pub(crate) use ran::{Ran, Running, there};
pub(crate) use redact::{Names, redact};
pub(crate) use sandbox::{Place, Sandbox, TOOLS};
pub(crate) use soon::soon;
pub(crate) use story::{tell, updating};
