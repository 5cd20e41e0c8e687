//! What a decision writes with: it knows the time, the actor, and what came before on each subject.

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::Map;

use super::canon;
use super::heads::Heads;
use super::line::{NTH, UNDOES};
use super::prose::{Text, take_out};
use super::vocabulary::word;
use super::{Actor, Json, place};
use crate::git::Oid;

/// How many digits of a creating line's hash name what it creates: 80 bits.
pub const NAME_DIGITS: usize = 16;

/// Lines that are decided and not yet written. They are written all together or not at all.
pub struct Pen<'a> {
    actor: &'a Actor,
    at: String,
    clock: u64,
    heads: Heads<'a>,
    /// The repository, for lines before which nothing stands.
    of: Option<Oid>,
    lines: Vec<Vec<u8>>,
    /// Up to which length a text stands in its line, and those that do not.
    limit: usize,
    texts: Vec<Text>,
    undoes: Option<String>,
}

/// Lines, and the texts that they name.
pub(super) type Drafted = (Vec<Vec<u8>>, Vec<Text>);

impl<'a> Pen<'a> {
    pub(super) fn new(actor: &'a Actor, at: String, clock: u64, heads: Heads<'a>) -> Self {
        let (lines, texts) = (Vec::new(), Vec::new());
        let (of, limit, undoes) = (None, usize::MAX, None);
        Self { actor, at, clock, heads, of, lines, limit, texts, undoes }
    }

    pub(super) fn of(self, of: Option<Oid>) -> Self {
        Self { of, ..self }
    }

    pub(super) fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The time that the lines will carry.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What is written from here on takes back what began with that line.
    pub fn undo(&mut self, line: &str) {
        self.undoes = Some(line.to_owned());
    }

    /// Creates a subject: its id is the hash of the line that creates it, so nobody hands out names.
    pub fn create(&mut self, prefix: &str, event: &impl Serialize) -> Result<String> {
        let mut fields = self.fields(event)?;
        self.begin(&mut fields);
        let hash = canon::digest(&[&canon::canonical(&fields)?]);
        let on = format!("{prefix}-{}", hash.get(..NAME_DIGITS).unwrap_or_default());
        ensure!(self.heads.of(&on).is_empty(), "there is a subject {on} already");
        fields.insert("on".to_owned(), Json::from(on.as_str()));
        self.add(&on, &fields)?;
        Ok(on)
    }

    /// Adds one action on a subject.
    pub fn line(&mut self, on: &str, event: &impl Serialize) -> Result<()> {
        let fields = self.fields(event)?;
        self.follow(on, fields)
    }

    /// Adds one that is another one's where somebody else does the same. Lines that say the same are one
    /// line, also when two clones have written it at the same moment.
    pub fn sole(&mut self, on: &str, event: &impl Serialize) -> Result<()> {
        let mut fields = self.fields(event)?;
        fields.insert("nonce".to_owned(), Json::from(place::name()));
        self.follow(on, fields)
    }

    fn follow(&mut self, on: &str, mut fields: Map<String, Json>) -> Result<()> {
        ensure!(!on.is_empty(), "a line needs a subject");
        let after = self.heads.of(on);
        match after.is_empty() {
            true => self.begin(&mut fields),
            false => drop(fields.insert("after".to_owned(), Json::from(after))),
        }
        fields.insert("on".to_owned(), Json::from(on));
        self.add(on, &fields)
    }

    /// The lines, and the texts they name.
    pub(super) fn into_lines(self) -> Drafted {
        (self.lines, self.texts)
    }

    /// What names no line before it names the repository, so that each line leads back to that.
    fn begin(&self, fields: &mut Map<String, Json>) {
        if let Some(of) = &self.of {
            fields.insert("of".to_owned(), Json::from(of.to_string()));
        }
    }

    fn fields(&mut self, event: &impl Serialize) -> Result<Map<String, Json>> {
        let (kind, with) = word(event)?;
        let mut fields = Map::new();
        fields.insert("do".to_owned(), Json::String(kind));
        if !with.is_null() {
            fields.insert("with".to_owned(), with);
        }
        ensure!(!self.actor.by.is_empty(), "a line needs an actor");
        let actor = self.actor;
        let told = [("session", &actor.session), ("model", &actor.model)];
        fields.insert("at".to_owned(), Json::from(self.at.as_str()));
        fields.insert("clock".to_owned(), Json::from(self.clock));
        fields.insert("by".to_owned(), Json::from(actor.by.as_str()));
        fields.insert("owner".to_owned(), Json::from(actor.owner.as_str()));
        fields.extend(
            told.into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), Json::from(value.as_deref()?)))),
        );
        if let Some(line) = &self.undoes {
            fields.insert(UNDOES.to_owned(), Json::from(line.as_str()));
        }
        if !self.lines.is_empty() {
            fields.insert(NTH.to_owned(), Json::from(self.lines.len()));
        }
        self.texts.extend(take_out(&mut fields, self.limit)?);
        Ok(fields)
    }

    fn add(&mut self, on: &str, fields: &Map<String, Json>) -> Result<()> {
        let (id, stored) = canon::seal(fields)?;
        self.heads.follow(on, id);
        self.lines.push(stored);
        self.clock += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::Line;

    fn actor() -> Actor {
        Actor {
            by: "toast".to_owned(),
            owner: "jane@example.org".to_owned(),
            agent: true,
            ..Actor::default()
        }
    }

    #[test]
    fn lines_follow_each_other_in_time_and_on_their_subject() {
        let actor = actor();
        let mut pen = Pen::new(&actor, "2026-11-21T05:36:11.123Z".to_owned(), 7, Heads::default());
        let made = pen.create("api", &json!({"bead.created": {"title": "x"}})).unwrap();
        pen.line(&made, &json!({"bead.claimed": {"epoch": 1}})).unwrap();
        let lines: Vec<_> =
            pen.into_lines().0.iter().map(|line| Line::parse(line).unwrap()).collect();
        assert_eq!([lines[0].clock, lines[1].clock], [7, 8]);
        assert_eq!([lines[0].nth(), lines[1].nth()], [0, 1]);
        assert!(lines[0].after.is_empty());
        assert_eq!(lines[1].after, [lines[0].id.clone()]);
        assert_eq!(made.len(), "api-".len() + 16);
    }

    #[test]
    fn each_line_leads_back_to_one_that_names_the_repository() {
        let (actor, root) = (actor(), "1".repeat(40).parse().unwrap());
        let pen = Pen::new(&actor, "t".to_owned(), 1, Heads::default());
        let mut pen = pen.of(Some(root));
        let made = pen.create("api", &"bead.created").unwrap();
        for on in [made.as_str(), "main", "main"] {
            pen.line(on, &"a.b").unwrap();
        }
        let lines: Vec<_> =
            pen.into_lines().0.iter().map(|line| Line::parse(line).unwrap()).collect();
        let bound: Vec<_> = lines.iter().map(|line| (line.of, line.after.len())).collect();
        assert_eq!(bound, [(Some(root), 0), (None, 1), (Some(root), 0), (None, 1)]);
    }

    #[test]
    fn two_things_made_alike_are_two_things() {
        let actor = actor();
        let mut pen = Pen::new(&actor, "t".to_owned(), 1, Heads::default());
        let event = json!({"bead.created": {"title": "x"}});
        assert_ne!(pen.create("api", &event).unwrap(), pen.create("api", &event).unwrap());
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let actor = actor();
        let mut pen = Pen::new(&actor, "t".to_owned(), 1, Heads::default());
        assert!(pen.line("x", &7).is_err());
        assert!(pen.line("x", &json!({"a.b": {}, "c.d": {}})).is_err());
        assert!(pen.line("", &"a.b").is_err());
        assert!(pen.into_lines().0.is_empty());
    }
}
