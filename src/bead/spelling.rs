//! How conditions are spelled: the names of fields, and a condition as the words that ask for it. Pure.

use std::fmt;

use crate::bead::filter::{Cond, Field, Means, Op, Test};

/// What stands in a word that needs no quotes.
pub(super) fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"()=!<>~\"'\\".contains(c)
}

/// The word for what is not there.
pub(super) fn is_none(word: &str) -> bool {
    word.eq_ignore_ascii_case("none")
}

/// Every field by its name, and by those that others know it by.
pub(super) const FIELDS: &[(Field, &[&str])] = &[
    (Field::Id, &["id"]),
    (Field::Title, &["title"]),
    (Field::Description, &["description", "desc"]),
    (Field::Design, &["design"]),
    (Field::Acceptance, &["acceptance", "acceptance_criteria"]),
    (Field::Notes, &["notes"]),
    (Field::Comment, &["comment", "comments"]),
    (Field::Text, &["text"]),
    (Field::Status, &["status"]),
    (Field::Priority, &["priority"]),
    (Field::Type, &["type", "issue_type"]),
    (Field::Assignee, &["assignee"]),
    (Field::Owner, &["owner"]),
    (Field::Creator, &["creator", "created_by"]),
    (Field::Label, &["label", "labels"]),
    (Field::Parent, &["parent"]),
    (Field::Under, &["under"]),
    (Field::Created, &["created", "created_at"]),
    (Field::Updated, &["updated", "updated_at"]),
    (Field::Started, &["started", "started_at"]),
    (Field::Closed, &["closed", "closed_at"]),
    (Field::Due, &["due", "due_at"]),
    (Field::Defer, &["defer", "defer_until"]),
    (Field::Estimate, &["estimate", "estimated_minutes"]),
    (Field::External, &["external", "external_ref"]),
    (Field::Spec, &["spec", "spec_id"]),
    (Field::Files, &["files", "file"]),
];

/// What stands before a key of the metadata.
const METADATA: &str = "metadata.";

impl Field {
    /// The field that somebody means; else what to say of the word.
    pub fn named(word: &str) -> Result<Self, String> {
        if let Some(key) = word.strip_prefix(METADATA).filter(|key| !key.is_empty()) {
            return Ok(Self::Metadata(key.to_owned()));
        }
        let lower = word.to_lowercase();
        let found = FIELDS.iter().find(|(_, names)| names.contains(&&*lower));
        if let Some((field, _)) = found {
            return Ok(field.clone());
        }
        let names = || FIELDS.iter().filter_map(|(_, names)| names.first());
        let near = names().map(|name| (strsim::damerau_levenshtein(&lower, name), name));
        let near = near.min().filter(|(distance, _)| *distance <= 2);
        let meant = near.map_or_else(
            || format!("fields are {}", names().copied().collect::<Vec<_>>().join(", ")),
            |(_, name)| format!("did you mean `{name}`?"),
        );
        Err(format!("{word:?} is no field; {meant}"))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Metadata(key) = self {
            return write!(out, "{METADATA}{key}");
        }
        let known = FIELDS.iter().find(|(field, _)| field == self);
        out.write_str(known.and_then(|(_, names)| names.first()).copied().unwrap_or_default())
    }
}

impl fmt::Display for Cond {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |of: &[Self], with: &str, out: &mut fmt::Formatter<'_>| {
            of.iter().enumerate().try_for_each(|(n, cond)| {
                let between = if n == 0 { "" } else { with };
                match cond {
                    Self::All(_) | Self::Any(_) => write!(out, "{between}({cond})"),
                    Self::Not(_) | Self::Is(_) => write!(out, "{between}{cond}"),
                }
            })
        };
        match self {
            Self::All(of) => joined(of, " AND ", out),
            Self::Any(of) => joined(of, " OR ", out),
            Self::Not(of) if matches!(**of, Self::All(_) | Self::Any(_)) => {
                write!(out, "NOT ({of})")
            }
            Self::Not(of) => write!(out, "NOT {of}"),
            Self::Is(test) => test.fmt(out),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            Op::Eq => "=",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Has => "~",
        };
        write!(out, "{}{op}", self.field)?;
        let said = &self.value.said;
        if self.value.means == Means::Nothing {
            out.write_str("none")
        } else if !said.is_empty()
            && said.chars().all(|c| is_plain(c) && c != ',')
            && !is_none(said)
        {
            out.write_str(said)
        } else {
            write!(out, "\"{}\"", said.replace('\\', "\\\\").replace('"', "\\\""))
        }
    }
}
