//! What a change answers: which bead it is, and what was changed about it. Who made the change knows the
//! rest, or asks `show`.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bead::alter::Ask;
use crate::cli::bead::record::Record;
use crate::cli::show::{Screen, Show, Tone};

pub(super) const UPDATED: &str = "Updated";
/// Nothing was written.
pub(super) const UNCHANGED: &str = "Nothing changed in";
pub(super) const CLAIMED: &str = "Claimed";

/// What says of which bead, and how it stands.
const ALWAYS: [&str; 2] = ["id", "status"];
/// What is no text, and told as an empty list once it is cleared.
const LISTS: [&str; 3] = ["labels", "dependencies", "files"];
/// No text comes back to who wrote it; that it was cleared does.
const TEXTS: [&str; 4] = ["description", "design", "acceptance_criteria", "notes"];
/// What a claim is known by.
const CLAIM: [&str; 3] = ["assignee", "epoch", "provisional"];
/// What the caller has just said at length, what follows from it, and who the caller is.
const UNSAID: [&str; 14] = [
    "description",
    "design",
    "acceptance_criteria",
    "notes",
    "dependencies",
    "dependency_count",
    "dependent_count",
    "comment_count",
    "updated_at",
    "updated_by",
    "started_at",
    "session",
    "deleted_by",
    "closed_by_session",
];

/// One bead after a change.
#[derive(Serialize)]
pub(super) struct Changed {
    #[serde(flatten)]
    told: Map<String, Value>,
    #[serde(skip)]
    done: &'static str,
    #[serde(skip)]
    short: String,
    #[serde(skip)]
    behind: String,
}

fn fields(of: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(of)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

impl Changed {
    /// `done` is what was done to it, in a word.
    pub(super) fn of(done: &'static str, was: &Record, is: &Record) -> Result<Self> {
        let old = serde_json::to_value(was)?;
        let mut told = fields(is)?;
        told.retain(|name, value| {
            let name = name.as_str();
            ALWAYS.contains(&name)
                || ([UPDATED, CLAIMED].contains(&done) && name == "priority")
                || (done == CLAIMED && CLAIM.contains(&name))
                || (![UPDATED, UNCHANGED].contains(&done) && name == "title")
                || (old.get(name) != Some(value) && !UNSAID.contains(&name))
        });
        Ok(Self::told(done, told, is))
    }

    /// What was taken is told whole, or in these fields: whoever took the first of what is ready has not
    /// seen it.
    pub(super) fn taken(is: &Record, only: &[&str]) -> Result<Self> {
        let mut told = fields(&is.clone().uncounted())?;
        told.retain(|name, _| only.is_empty() || only.contains(&name.as_str()));
        Ok(Self::told(CLAIMED, told, is))
    }

    fn told(done: &'static str, told: Map<String, Value>, is: &Record) -> Self {
        let (yet, epoch) = (if is.provisional { ", provisional" } else { "" }, is.epoch);
        let epoch = if done == CLAIMED { format!(" (epoch {epoch}{yet})") } else { String::new() };
        Self { told, done, short: is.short.clone(), behind: format!("  {}{epoch}", is.title) }
    }
}

impl Changed {
    /// Also what was asked for, as it has become: what is told so is known, whether it was changed or not.
    pub(super) fn asked(mut self, is: &Record, ask: &Ask) -> Result<Self> {
        let all = serde_json::to_value(is)?;
        for name in named(ask)? {
            match all.get(&name) {
                Some(_) if TEXTS.contains(&&*name) => {}
                Some(value) => drop(self.told.insert(name, value.clone())),
                None => {
                    let is_list = LISTS.contains(&&*name);
                    let none = if is_list { Value::Array(Vec::new()) } else { Value::Null };
                    self.told.insert(name, none);
                }
            }
        }
        Ok(self)
    }

    /// Also when: by that a later edit can tell whether it still stands so.
    pub(super) fn when(mut self, is: &Record) -> Self {
        self.told.insert("updated_at".to_owned(), is.updated_at.clone().into());
        self
    }
}

/// The fields that are named, as records call them.
fn named(ask: &Ask) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, value) in fields(&ask.edit)? {
        match name.as_str() {
            "append_notes" => names.push("notes".to_owned()),
            "set_metadata" | "unset_metadata" => names.push("metadata".to_owned()),
            "set" => {
                names.extend(value.as_object().into_iter().flatten().map(|(it, _)| it.clone()));
            }
            _ => names.push(name),
        }
    }
    let labels = [&ask.add_labels, &ask.remove_labels].iter().any(|words| !words.is_empty());
    for (name, is_named) in [
        ("metadata", ask.clear_metadata),
        ("labels", ask.labels.is_some() || labels),
        ("parent", ask.parent.is_some()),
        ("dependencies", !ask.links.is_empty() || !ask.unlink.is_empty()),
    ] {
        names.extend(Some(name.to_owned()).filter(|_| is_named));
    }
    Ok(names)
}

impl Show for Changed {
    fn show(&self, out: &mut Screen) {
        let done = format!("{} ", self.done);
        out.parts(&[(Tone::Good, &done), (Tone::Id, &self.short), (Tone::Plain, &self.behind)]);
    }
}

/// Several, each in a line.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct All(pub Vec<Changed>);

impl Show for All {
    fn show(&self, out: &mut Screen) {
        self.0.iter().for_each(|one| one.show(out));
    }
}
