//! The verbs of `git bead`: what is to be done.

mod arrows;
mod asked;
mod blocked;
mod bulk;
mod changed;
mod close;
mod comment;
mod compact;
mod config;
mod count;
pub(super) mod create;
mod deinit;
mod delete;
mod dep;
mod design;
mod doctor;
mod drawn;
mod edit;
mod epic;
mod export;
mod graph;
mod import;
mod init;
mod lint;
mod list;
mod log;
mod maintain;
mod manual;
mod memory;
mod near;
mod next;
mod only;
pub(super) mod overlap;
mod past;
mod picture;
mod prefix;
mod prime;
mod query;
mod ready;
mod record;
mod replace;
mod search;
pub(super) mod short;
mod show;
mod stale;
mod sync;
mod template;
pub(super) mod text;
mod trail;
mod tree;
mod trust;
mod undo;
mod update;
mod verify;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cli::context::{Context, Everywhere};
use crate::cli::hook;
use crate::cli::show::Done;

/// Write down what is to be done, and see what can be done now
///
/// Beads are units of work with dependencies. They live in the repository's own ledger
/// (refs/shopfloor/ledger), so every worktree and every agent sees the same ones. Any start of an
/// id that names one bead is enough.
#[derive(Parser)]
#[command(name = "git-bead", bin_name = "git bead", version, after_help = EXAMPLES)]
pub(super) struct Bead {
    #[command(flatten)]
    pub everywhere: Everywhere,
    #[command(subcommand)]
    pub verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  git bead create 'Parser accepts empty input' -t bug -p 1
  git bead ready                      what can be started now
  git bead ready --claim --json       take the best of it, as an agent does
  git bead dep add 7f3k 9a2c          7f3k waits for 9a2c
  git bead close 7f3k --reason 'not needed any more'
  git bead log 7f3k                   who did what, in order";

#[derive(Subcommand)]
pub(super) enum Verb {
    Init(init::Init),
    Deinit(deinit::Deinit),
    #[command(alias = "new")]
    Create(create::Create),
    List(list::List),
    #[command(alias = "view")]
    Show(show::ShowBead),
    Ready(ready::Ready),
    Next(next::Next),
    Prime(prime::Prime),
    Query(query::Query),
    Search(search::Search),
    Count(count::Count),
    #[command(alias = "status")]
    Stats(count::ShowStats),
    Stale(stale::Stale),
    Orphans(stale::Orphans),
    Duplicates(stale::Duplicates),
    Blocked(blocked::Blocked),
    Update(update::Update),
    #[command(alias = "done")]
    Close(close::Close),
    Reopen(close::Reopen),
    Config(config::Config),
    Delete(delete::Delete),
    Purge(delete::Purge),
    Comment(comment::Comment),
    Compact(compact::Compact),
    Remember(memory::Remember),
    Recall(memory::Recall),
    Memories(memory::ListMemories),
    Forget(memory::Forget),
    Undo(undo::Undo),
    Edit(edit::Edit),
    Duplicate(replace::Duplicate),
    Supersede(replace::Supersede),
    RenamePrefix(prefix::RenamePrefix),
    Dep(dep::Dep),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Epic(epic::Epic),
    Export(export::Export),
    Graph(graph::Graph),
    Import(import::Import),
    Lint(lint::Lint),
    Log(log::Log),
    Maintain(maintain::Maintain),
    Sync(sync::Sync),
    #[command(subcommand)]
    Trail(trail::Trail),
    Trust(trust::Trust),
    Verify(verify::Verify),
    Template(template::Template),
    Manual(manual::Manual),
    #[command(hide = true)]
    Hook(hook::Hook),
}

/// What a verb does with the beads; what does neither sees to this machine.
#[derive(PartialEq, Eq)]
enum Does {
    Changes,
    Reads,
    Neither,
}

impl Verb {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let changes = self.changes();
        let done = self.act(cx)?;
        if changes {
            maintain::when_due(cx);
        }
        Ok(done)
    }

    fn act(self, cx: &Context) -> Result<Done> {
        if self.does() == Does::Reads {
            // Who changes nothing is not told of it either; the next change says what is wrong.
            drop(cx.take_fetched());
        }
        match self {
            Self::Init(verb) => verb.run(cx),
            Self::Deinit(verb) => verb.run(cx),
            Self::Hook(verb) => verb.run(cx),
            Self::Create(verb) => verb.run(cx),
            Self::List(verb) => verb.run(cx),
            Self::Show(verb) => verb.run(cx),
            Self::Ready(verb) => verb.run(cx),
            Self::Query(verb) => verb.run(cx),
            Self::Search(verb) => verb.run(cx),
            Self::Count(verb) => verb.run(cx),
            Self::Stats(verb) => verb.run(cx),
            Self::Stale(verb) => verb.run(cx),
            Self::Orphans(verb) => verb.run(cx),
            Self::Duplicates(verb) => verb.run(cx),
            Self::Blocked(verb) => verb.run(cx),
            Self::Update(verb) => verb.run(cx),
            Self::Close(verb) => verb.run(cx),
            Self::Reopen(verb) => verb.run(cx),
            Self::Config(verb) => verb.run(cx),
            Self::Delete(verb) => verb.run(cx),
            Self::Purge(verb) => verb.run(cx),
            Self::Comment(verb) => verb.run(cx),
            Self::Compact(verb) => verb.run(cx),
            Self::Remember(verb) => verb.run(cx),
            Self::Recall(verb) => verb.run(cx),
            Self::Memories(verb) => verb.run(cx),
            Self::Forget(verb) => verb.run(cx),
            Self::Next(verb) => verb.run(cx),
            Self::Prime(verb) => verb.run(cx),
            Self::Undo(verb) => verb.run(cx),
            Self::Edit(verb) => verb.run(cx),
            Self::Duplicate(verb) => verb.run(cx),
            Self::Supersede(verb) => verb.run(cx),
            Self::RenamePrefix(verb) => verb.run(cx),
            Self::Dep(verb) => verb.run(cx),
            Self::Doctor(verb) => verb.run(cx),
            Self::Epic(verb) => verb.run(cx),
            Self::Export(verb) => verb.run(cx),
            Self::Graph(verb) => verb.run(cx),
            Self::Import(verb) => verb.run(cx),
            Self::Lint(verb) => verb.run(cx),
            Self::Template(verb) => verb.run(cx),
            Self::Log(verb) => verb.run(cx),
            Self::Maintain(verb) => verb.run(cx),
            Self::Sync(verb) => verb.run(cx),
            Self::Trail(verb) => verb.run(cx),
            Self::Trust(verb) => verb.run(cx),
            Self::Verify(verb) => verb.run(cx),
            Self::Manual(verb) => verb.run(cx),
        }
    }

    /// Whether somebody who does this means to go on working here: then what a crash left is seen to.
    pub(super) fn changes(&self) -> bool {
        self.does() == Does::Changes
    }

    fn does(&self) -> Does {
        let by = |changes: bool| if changes { Does::Changes } else { Does::Reads };
        match self {
            Self::Ready(ready) => by(ready.claims()),
            Self::Query(query) => by(query.changes()),
            Self::Compact(compact) => by(compact.changes()),
            Self::Dep(dep) => by(dep.changes()),
            Self::Epic(epic) => by(epic.changes()),
            Self::Purge(purge) => by(purge.changes()),
            // What is noted costs no look at what was fetched.
            Self::Trail(trail) if !trail.changes() => Does::Neither,
            Self::Create(_)
            | Self::Update(_)
            | Self::Close(_)
            | Self::Reopen(_)
            | Self::Delete(_)
            | Self::Comment(_)
            | Self::Remember(_)
            | Self::Forget(_)
            | Self::Undo(_)
            | Self::Edit(_)
            | Self::Duplicate(_)
            | Self::Supersede(_)
            | Self::RenamePrefix(_)
            | Self::Import(_)
            | Self::Sync(_)
            | Self::Trail(_)
            | Self::Trust(_) => Does::Changes,
            Self::Graph(_)
            | Self::Export(_)
            | Self::List(_)
            | Self::Show(_)
            | Self::Next(_)
            | Self::Prime(_)
            | Self::Recall(_)
            | Self::Memories(_)
            | Self::Search(_)
            | Self::Count(_)
            | Self::Stats(_)
            | Self::Stale(_)
            | Self::Orphans(_)
            | Self::Duplicates(_)
            | Self::Blocked(_)
            | Self::Lint(_)
            | Self::Config(_)
            | Self::Log(_) => Does::Reads,
            Self::Init(_)
            | Self::Deinit(_)
            | Self::Doctor(_)
            | Self::Template(_)
            | Self::Maintain(_)
            | Self::Manual(_)
            | Self::Verify(_)
            | Self::Hook(_) => Does::Neither,
        }
    }
}
