//! `--as-of`: every verb that reads can read the past.

use anyhow::Result;

use crate::bead::Beads;
use crate::bead::memory::Memories;
use crate::bead::past::{self, Moment};
use crate::cli::context::Context;
use crate::cli::when;
use crate::host::Stamp;

#[derive(clap::Args, Default)]
pub(super) struct AsOf {
    /// As it stood then: a date (the end of a day), how long ago, or a commit, of the ledger or of the code
    #[arg(long, value_name = "WHEN|COMMIT")]
    pub as_of: Option<String>,
}

impl AsOf {
    pub(super) fn is_now(&self) -> bool {
        self.as_of.is_none()
    }

    pub(super) fn moment(&self, cx: &Context) -> Result<Option<Moment>> {
        let Some(said) = &self.as_of else { return Ok(None) };
        Ok(Some(match when::span(said, &cx.clock.now()) {
            Some((from, until)) => Moment::Time(from, until),
            None => Moment::of(cx.repo()?, &cx.ledger()?, said)?,
        }))
    }

    /// What time it was then, as far as that is said.
    pub(super) fn now(&self, cx: &Context) -> Result<Stamp> {
        let now = cx.clock.now();
        let until = match self.moment(cx)? {
            Some(Moment::Time(_, until)) => until.parse().ok(),
            _ => None,
        };
        Ok(until.filter(|until| *until < now).unwrap_or(now))
    }

    /// What was remembered then, or is now.
    pub(super) fn memories(&self, cx: &Context) -> Result<Memories> {
        match self.moment(cx)? {
            Some(moment) => past::read(&cx.ledger()?, &moment),
            None => cx.ledger()?.read(),
        }
    }

    /// The beads of then, or of now.
    pub(super) fn beads(&self, cx: &Context) -> Result<Beads> {
        match self.moment(cx)? {
            Some(moment) => past::beads(&cx.ledger()?, &moment),
            None => cx.ledger()?.read(),
        }
    }
}
