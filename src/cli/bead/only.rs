//! `--brief` and `--fields`: of each bead no more than was asked for, since every word is paid for.

use anyhow::Result;

use crate::bead::field::USUAL;
use crate::refusal::Refusal;

/// What one has to know of a bead to choose it.
const BRIEF: [&str; 6] = ["id", "title", "status", "priority", "issue_type", "assignee"];
/// What verbs tell beside what a bead says of itself.
const BESIDE: [&str; 13] = [
    "parent",
    "epoch",
    "session",
    "provisional",
    "landed_commit",
    "blocked_by",
    "blocked_by_count",
    "held_up_by",
    "matched_in",
    "author",
    "dependents",
    "digest",
    "trail",
];

/// Which fields of each are told.
#[derive(clap::Args, Default)]
pub(super) struct Only {
    /// With --json no more than id, title, status, priority, issue_type and assignee
    #[arg(long)]
    brief: bool,
    /// These fields and no others, separated by commas and called as --json calls them
    #[arg(long, value_name = "FIELD", value_delimiter = ',', conflicts_with = "brief")]
    fields: Vec<String>,
}

impl Only {
    /// The names of the fields, if not all are told. As text the rows are brief already.
    pub(super) fn names(&self, is_json: bool) -> Result<Vec<&str>> {
        if self.brief {
            return Ok(if is_json { BRIEF.to_vec() } else { Vec::new() });
        }
        let known = || USUAL.iter().chain(&BESIDE);
        for name in &self.fields {
            if !known().any(|field| field == name) {
                let like = |field: &&&str| (strsim::jaro_winkler(name, field) * 1000.0) as u64;
                let near = known().max_by_key(like).map_or("id", |field| field);
                let what = format!("`{name}` is no field of a bead");
                return Err(Refusal::usage(what).hint(format!("did you mean `{near}`?")).into());
            }
        }
        Ok(self.fields.iter().map(String::as_str).collect())
    }
}
