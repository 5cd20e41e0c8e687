//! Which beads are asked for, in the words of the command line: all of them build the one filter.

use anyhow::Result;

use crate::bead::Beads;
use crate::bead::filter::{Cond, Field, Op};
use crate::bead::query;
use crate::cli::bead::create::priority;
use crate::cli::context::Context;
use crate::cli::when;
use crate::host::Stamp;
use crate::policy::Glob;
use crate::refusal::Refusal;

/// What is asked of a bead by whoever looks for work, and by whoever looks for anything.
#[derive(clap::Args, Default)]
pub(super) struct Which {
    /// Only these types, separated by commas
    #[arg(short = 't', long = "type", value_delimiter = ',')]
    issue_type: Vec<String>,
    /// None of these types
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    exclude_type: Vec<String>,
    /// Only this priority
    #[arg(short, long, value_parser = priority)]
    priority: Option<u8>,
    /// Only what is assigned to this name
    #[arg(short, long)]
    assignee: Option<String>,
    /// Only what carries all these labels
    #[arg(short, long, value_delimiter = ',')]
    label: Vec<String>,
    /// Only what carries one of these labels
    #[arg(long, value_delimiter = ',', value_name = "LABEL")]
    label_any: Vec<String>,
    /// Only what carries none of these labels
    #[arg(long, value_delimiter = ',', value_name = "LABEL")]
    exclude_label: Vec<String>,
    /// Only what has this value under this key
    #[arg(long, value_name = "KEY=VALUE")]
    metadata_field: Vec<String>,
    /// Only what has something under this key
    #[arg(long, value_name = "KEY")]
    has_metadata_key: Vec<String>,
}

/// What only who looks for anything asks.
#[derive(clap::Args, Default)]
pub(super) struct More {
    /// Only these statuses, separated by commas; `all` for any
    #[arg(short, long, value_delimiter = ',')]
    status: Vec<String>,
    /// Only priorities from this one on
    #[arg(long, value_parser = priority, value_name = "PRIORITY")]
    priority_min: Option<u8>,
    /// Only priorities up to this one
    #[arg(long, value_parser = priority, value_name = "PRIORITY")]
    priority_max: Option<u8>,
    /// Only what is assigned to nobody
    #[arg(long, conflicts_with = "assignee")]
    no_assignee: bool,
    /// Only what has no labels
    #[arg(long, conflicts_with_all = ["label", "label_any"])]
    no_labels: bool,
    /// Only these beads, separated by commas
    #[arg(long, value_delimiter = ',')]
    id: Vec<String>,
    /// Only children of this bead
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Only what is nobody's child
    #[arg(long, conflicts_with = "parent")]
    no_parent: bool,
    /// Only what has this in its title
    #[arg(long, value_name = "TEXT", alias = "title")]
    title_contains: Option<String>,
    /// Only what has this in its description
    #[arg(long, value_name = "TEXT")]
    desc_contains: Option<String>,
    /// Only what has this in its notes
    #[arg(long, value_name = "TEXT")]
    notes_contains: Option<String>,
    /// Only what owns paths that this pattern meets
    #[arg(long, value_name = "PATTERN")]
    files: Option<String>,
    /// Only what has no description
    #[arg(long)]
    empty_description: bool,
    /// Only what was to be done before now, and is not
    #[arg(long)]
    overdue: bool,
    /// Only what is put off until later
    #[arg(long)]
    deferred: bool,
    #[command(flatten)]
    times: Times,
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// Nothing is left out because of its type, whoever asks so
    #[arg(long = "include-infra", hide = true)]
    _infra: bool,
    #[arg(long = "include-gates", hide = true)]
    _gates: bool,
}

/// Between which moments something happened, or is to happen.
#[derive(clap::Args, Default)]
struct Times {
    /// Only what was created from then on: a day, a stamp, or how long ago (6h, 3d, 2w)
    #[arg(long, value_name = "WHEN")]
    created_after: Option<String>,
    /// Only what was created before then
    #[arg(long, value_name = "WHEN")]
    created_before: Option<String>,
    /// Only what was changed from then on
    #[arg(long, value_name = "WHEN")]
    updated_after: Option<String>,
    /// Only what was not changed since then
    #[arg(long, value_name = "WHEN")]
    updated_before: Option<String>,
    /// Only what was closed from then on
    #[arg(long, value_name = "WHEN")]
    closed_after: Option<String>,
    /// Only what was closed before then
    #[arg(long, value_name = "WHEN")]
    closed_before: Option<String>,
    /// Only what is due then or later: a day, a stamp, or in how long (+3d)
    #[arg(long, value_name = "WHEN")]
    due_after: Option<String>,
    /// Only what is due before then
    #[arg(long, value_name = "WHEN")]
    due_before: Option<String>,
    /// Only what is put off until then or later
    #[arg(long, value_name = "WHEN")]
    defer_after: Option<String>,
    /// Only what is put off until before then
    #[arg(long, value_name = "WHEN")]
    defer_before: Option<String>,
}

/// Conditions as they are said, one by one.
pub(super) struct Said {
    now: Stamp,
    all: Vec<Cond>,
}

impl Said {
    pub(super) fn new(cx: &Context) -> Self {
        Self::at(cx.clock.now())
    }

    /// What is said as it is meant at this moment.
    pub(super) fn at(now: Stamp) -> Self {
        Self { now, all: Vec::new() }
    }

    pub(super) fn done(self) -> Cond {
        Cond::All(self.all)
    }

    fn one(&self, field: &Field, op: Op, said: &str) -> Result<Cond> {
        let when = |said: &str| when::span(said, &self.now);
        let test = query::test(field.clone(), op, said, &when);
        Ok(Cond::Is(test.map_err(Refusal::usage)?))
    }

    pub(super) fn and(&mut self, field: &Field, op: Op, said: &str) -> Result<()> {
        let cond = self.one(field, op, said)?;
        self.all.push(cond);
        Ok(())
    }

    /// That it is one of these words, if there are any.
    fn any(&mut self, field: &Field, words: &[String]) -> Result<()> {
        let of: Result<Vec<_>> = words.iter().map(|word| self.one(field, Op::Eq, word)).collect();
        self.all.extend((!words.is_empty()).then_some(Cond::Any(of?)));
        Ok(())
    }
}

impl Which {
    pub(super) fn say(&self, said: &mut Said) -> Result<()> {
        said.any(&Field::Type, &self.issue_type)?;
        for kind in &self.exclude_type {
            said.and(&Field::Type, Op::Ne, kind)?;
        }
        if let Some(priority) = self.priority {
            said.and(&Field::Priority, Op::Eq, &priority.to_string())?;
        }
        if let Some(name) = &self.assignee {
            said.and(&Field::Assignee, Op::Eq, name)?;
        }
        for label in &self.label {
            said.and(&Field::Label, Op::Eq, label)?;
        }
        said.any(&Field::Label, &self.label_any)?;
        for label in &self.exclude_label {
            said.and(&Field::Label, Op::Ne, label)?;
        }
        for pair in &self.metadata_field {
            let wrong = || Refusal::usage(format!("--metadata-field {pair:?} is not KEY=VALUE"));
            let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
            said.and(&Field::Metadata(key.to_owned()), Op::Eq, value)?;
        }
        for key in &self.has_metadata_key {
            said.and(&Field::Metadata(key.clone()), Op::Ne, "")?;
        }
        Ok(())
    }
}

impl More {
    /// Whether closed beads are asked for, too.
    pub(super) fn with_closed(&self) -> bool {
        let times = &self.times;
        let closing = times.closed_after.is_some() || times.closed_before.is_some();
        self.all || closing || !self.status.is_empty() || !self.id.is_empty()
    }

    pub(super) fn say(&self, beads: &Beads, said: &mut Said) -> Result<()> {
        if !self.status.iter().any(|status| status == "all") {
            said.any(&Field::Status, &self.status)?;
        }
        let priorities = [(Op::Ge, self.priority_min), (Op::Le, self.priority_max)];
        for (op, priority) in priorities {
            if let Some(priority) = priority {
                said.and(&Field::Priority, op, &priority.to_string())?;
            }
        }
        let ids: Result<Vec<_>> = self.id.iter().map(|id| Ok(beads.find(id)?.id.clone())).collect();
        said.any(&Field::Id, &ids?)?;
        if let Some(parent) = &self.parent {
            said.and(&Field::Parent, Op::Eq, &beads.find(parent)?.id)?;
        }
        if let Some(files) = &self.files {
            said.and(&Field::Files, Op::Eq, Glob::new(files)?.as_str())?;
        }
        let none = [
            (self.no_assignee, Field::Assignee),
            (self.no_labels, Field::Label),
            (self.no_parent, Field::Parent),
            (self.empty_description, Field::Description),
        ];
        for (_, field) in none.into_iter().filter(|(asked, _)| *asked) {
            said.and(&field, Op::Eq, "")?;
        }
        let texts = [
            (Field::Title, &self.title_contains),
            (Field::Description, &self.desc_contains),
            (Field::Notes, &self.notes_contains),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                said.and(&field, Op::Has, text)?;
            }
        }
        if self.overdue {
            said.and(&Field::Due, Op::Lt, "now")?;
            said.and(&Field::Status, Op::Ne, "closed")?;
        }
        if self.deferred {
            said.and(&Field::Defer, Op::Gt, "now")?;
        }
        self.times.say(said)
    }
}

impl Times {
    fn say(&self, said: &mut Said) -> Result<()> {
        let times = [
            (Field::Created, &self.created_after, &self.created_before),
            (Field::Updated, &self.updated_after, &self.updated_before),
            (Field::Closed, &self.closed_after, &self.closed_before),
            (Field::Due, &self.due_after, &self.due_before),
            (Field::Defer, &self.defer_after, &self.defer_before),
        ];
        for (field, after, before) in times {
            for (op, when) in [(Op::Ge, after), (Op::Lt, before)] {
                if let Some(when) = when {
                    said.and(&field, op, when)?;
                }
            }
        }
        Ok(())
    }
}
