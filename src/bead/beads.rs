//! The fold of this room's words: every bead as it stands, and how a person may name one.

use serde::{Deserialize, Serialize};

use crate::bead::event::{Closed, Edit, Event, Landed, Link, New, Status};
use crate::bead::face::{CLOSED, is_live};
use crate::bead::{Claim, Taken};
use crate::ledger::{Fold, Kept as _, Line, Loaded, Row, Saving, Table};
use crate::refusal::Refusal;

/// A unit of work. Field names are those of beads' JSON, so that output needs no translation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bead {
    pub id: String,
    pub title: String,
    pub description: String,
    pub design: String,
    pub acceptance_criteria: String,
    pub notes: String,
    pub status: Status,
    pub priority: u8,
    pub issue_type: String,
    pub assignee: Option<String>,
    pub owner: String,
    pub labels: Vec<String>,
    pub external_ref: Option<String>,
    pub estimated_minutes: Option<u64>,
    pub dependencies: Vec<Edge>,
    pub comments: Vec<Comment>,
    pub created_at: String,
    pub created_by: String,
    pub updated_at: String,
    pub updated_by: String,
    pub started_at: Option<String>,
    pub closed_at: Option<String>,
    pub closed_by: Option<String>,
    pub close_reason: Option<String>,
    pub landed: Option<Landed>,
    /// The highest epoch any claim of this bead has had; 0 before the first.
    pub epoch: u64,
    pub claim: Option<Claim>,
    /// Claims of the same epoch, from clones that did not know of this one.
    pub rivals: Vec<Claim>,
    pub close: Option<Close>,
    /// The takeover by which the claim stands.
    pub taken: Option<Taken>,
}

/// The close that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Close {
    pub line: String,
    /// The epoch its writer knew of; none for a landing, which no claim takes over.
    pub epoch: Option<u64>,
    /// The claim under which it was done by hand.
    pub under: Option<Claim>,
}

/// `issue_id` depends on `depends_on_id`. Kept with the dependent bead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub issue_id: String,
    pub depends_on_id: String,
    #[serde(rename = "type")]
    pub kind: Link,
    pub created_at: String,
    pub created_by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: String,
    pub issue_id: String,
    pub author: String,
    pub text: String,
    pub created_at: String,
}

/// Every bead the ledger knows, in the order of creation.
#[derive(Default)]
pub struct Beads {
    all: Table<Bead>,
}

impl Fold for Beads {
    const VERSION: u32 = 4;

    fn name() -> String {
        "beads".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("bead.") {
            return;
        }
        let Some(event) = line.event::<Event>() else { return };
        if let Event::Created(new) = event {
            if !self.all.contains(&line.on) {
                self.all.insert(line.on.clone(), Bead::born(line, new));
            }
        } else if let Some(bead) = self.all.get_mut(&line.on) {
            bead.drink(line, event);
        }
    }

    fn save(&self) -> Option<Saving> {
        self.all.save()
    }

    fn load(loaded: Loaded) -> Option<Self> {
        let all = Table::load(loaded, |lines| {
            let mut beads = Self::default();
            lines(&mut |line| beads.drink(line))?;
            Ok(beads.all)
        })?;
        Some(Self { all })
    }

    fn is_sound(&self) -> bool {
        self.all.is_sound()
    }
}

/// At least this many characters of the hash are shown and asked for, as git does with its own.
const SHORTEST: usize = 4;

impl Beads {
    pub fn get(&self, id: &str) -> Option<&Bead> {
        self.all.get(id)
    }

    /// A bead of which only as much is read as is asked for.
    pub fn row(&self, id: &str) -> Option<Row<'_, Bead>> {
        self.all.row(id)
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.all.rows()
    }

    /// The beads that may hold others up.
    pub fn live(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.rows().filter(is_live)
    }

    pub fn not_closed(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.rows().filter(|row| row.mark() != CLOSED)
    }

    /// The beads that somebody holds.
    pub fn held(&self) -> impl Iterator<Item = &Bead> {
        self.live().filter(|row| row.face().is_claimed).map(|row| row.whole())
    }

    pub fn count(&self) -> usize {
        self.all.count()
    }

    /// The bead whose id starts so. Refuses an unknown start, and an ambiguous one with its candidates.
    pub fn find(&self, start: &str) -> anyhow::Result<&Bead> {
        if let Some(bead) = self.all.get(start) {
            return Ok(bead);
        }
        let fits = self.rows().filter(|row| names(row.key(), start));
        let mut fits = fits.map(|row| row.whole());
        match (fits.next(), fits.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => {
                let candidates = [first, second]
                    .into_iter()
                    .chain(fits.take(6))
                    .map(|bead| format!("{}  {}", bead.id, bead.title));
                let mut refusal = Refusal::refused(format!("`{start}` names more than one bead"));
                for candidate in candidates {
                    refusal = refusal.hint(candidate);
                }
                Err(refusal.into())
            }
            (None, _) => Err(Refusal::nothing(format!("no bead's id starts with `{start}`"))
                .hint("`git bead list --all` shows them all")
                .into()),
        }
    }

    /// The shortest start of `id` that names it alone, at least four characters after the prefix.
    pub fn short<'a>(&self, id: &'a str) -> &'a str {
        let least = (id.len() - hash_of(id).len() + SHORTEST).min(id.len());
        let starts = (least..=id.len()).filter_map(|end| id.get(..end));
        let Some(start) = starts.clone().next() else { return id };
        let others = self.all.starting(start).map(|row| row.key()).filter(|other| *other != id);
        let others: Vec<_> = others.collect();
        let alone = |start: &&str| !others.iter().any(|other| other.starts_with(start));
        starts.into_iter().find(alone).unwrap_or(id)
    }

    pub fn parent(&self, bead: &Bead) -> Option<&Bead> {
        self.get(bead.face().parent()?)
    }

    pub fn children<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Row<'a, Bead>> {
        self.all.naming(id).filter(move |row| row.face().parent() == Some(id))
    }

    /// Who depends on `id`, and by which edge.
    pub fn dependents<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (&'a Edge, &'a Bead)> {
        self.all.naming(id).flat_map(move |row| {
            let bead = row.whole();
            let ours = bead.dependencies.iter().filter(move |edge| edge.depends_on_id == id);
            ours.map(move |edge| (edge, bead))
        })
    }

    /// How many edges lead to `id`.
    pub fn count_dependents(&self, id: &str) -> usize {
        let edges = |row: Row<'_, Bead>| row.face().edges.iter().filter(|e| e.1 == id).count();
        self.all.naming(id).map(edges).sum()
    }
}

/// The part of an id after its prefix; an imported id keeps whatever follows its last dash.
fn hash_of(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(_, hash)| hash)
}

/// Whether a person who types `start` means `id`: a start of the whole id, or of its hash alone.
fn names(id: &str, start: &str) -> bool {
    !start.is_empty() && (id.starts_with(start) || hash_of(id).starts_with(start))
}

impl Bead {
    fn born(line: &Line, new: New) -> Self {
        let edges = new.links.into_iter().map(|link| Edge {
            issue_id: line.on.clone(),
            depends_on_id: link.to,
            kind: link.kind,
            created_at: line.at.clone(),
            created_by: line.by.clone(),
        });
        Self {
            id: line.on.clone(),
            title: new.title,
            description: new.description,
            design: new.design,
            acceptance_criteria: new.acceptance_criteria,
            notes: new.notes,
            priority: new.priority,
            issue_type: new.issue_type,
            assignee: new.assignee,
            owner: line.owner.clone(),
            labels: new.labels,
            external_ref: new.external_ref,
            estimated_minutes: new.estimated_minutes,
            dependencies: edges.collect(),
            created_at: line.at.clone(),
            created_by: line.by.clone(),
            updated_at: line.at.clone(),
            updated_by: line.by.clone(),
            ..Self::default()
        }
    }

    pub(super) fn drink(&mut self, line: &Line, event: Event) {
        self.tell_before(line, &event);
        match event {
            // A word that somebody is at work changes nothing, not even when the bead was changed.
            Event::Renewed { .. } => return,
            Event::Created(_) => {}
            Event::Edited(edit) => self.edit(line, edit),
            Event::Claimed { epoch, holder, session } => self.claimed(line, epoch, holder, session),
            Event::Taken { epoch, holder, session, claim, .. } => {
                self.taken_over(line, &claim, epoch, (holder, session));
            }
            Event::Released { epoch, claim, .. } => self.released(epoch, claim.as_deref()),
            Event::Withdrawn { claim, .. } => self.withdrawn(&claim),
            Event::Closed(closed) => self.close(line, closed),
            Event::Reopened { close, .. } => self.reopened(close.as_deref()),
            Event::Commented { text } => self.comment(line, text),
            Event::Linked { to, kind } => self.link(line, to, kind),
            Event::Unlinked { to, kind } => {
                self.dependencies.retain(|edge| edge.depends_on_id != to || edge.kind != kind);
            }
            Event::Labeled { add, remove } => {
                self.labels.retain(|label| !remove.contains(label));
                for label in add {
                    if !self.labels.contains(&label) {
                        self.labels.push(label);
                    }
                }
            }
        }
        self.updated_at.clone_from(&line.at);
        self.updated_by.clone_from(&line.by);
    }

    fn edit(&mut self, line: &Line, edit: Edit) {
        let texts = [
            (&mut self.title, edit.title),
            (&mut self.description, edit.description),
            (&mut self.design, edit.design),
            (&mut self.acceptance_criteria, edit.acceptance_criteria),
            (&mut self.notes, edit.notes),
            (&mut self.issue_type, edit.issue_type),
        ];
        for (field, value) in texts {
            if let Some(value) = value {
                *field = value;
            }
        }
        if let Some(more) = edit.append_notes {
            if !self.notes.is_empty() {
                self.notes.push('\n');
            }
            self.notes.push_str(&more);
        }
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        if let Some(assignee) = edit.assignee {
            self.assignee = filled(assignee);
        }
        if let Some(external_ref) = edit.external_ref {
            self.external_ref = filled(external_ref);
        }
        self.priority = edit.priority.unwrap_or(self.priority);
        self.estimated_minutes = edit.estimated_minutes.or(self.estimated_minutes);
        // Only `reopened` opens what is closed: an edit may come from where the close was not known.
        if let Some(status) = edit.status.filter(|_| self.status != Status::CLOSED) {
            if status == Status::IN_PROGRESS && self.started_at.is_none() {
                self.started_at = Some(line.at.clone());
            }
            self.status = status;
        }
    }

    /// A close by an earlier holder, written where the later claim was not known, does not stand;
    /// nor does one by hand where the landing was not known. What has landed has landed.
    fn close(&mut self, line: &Line, closed: Closed) {
        let by_hand = closed.landed.is_none();
        let stale = self.is_stale(closed.epoch, closed.claim.as_deref());
        if by_hand && (self.status == Status::CLOSED || stale) {
            return;
        }
        self.status = Status::CLOSED;
        self.closed_at = Some(line.at.clone());
        self.closed_by = Some(line.by.clone());
        self.close_reason = Some(closed.reason).filter(|reason| !reason.is_empty());
        let under = self.claim.take().filter(|_| by_hand);
        let of_claim = under.as_ref().map(|claim| claim.epoch);
        let known = closed.epoch.map(|epoch| epoch.min(self.epoch)).or(of_claim);
        let epoch = known.filter(|_| by_hand);
        self.close = Some(Close { line: line.id.clone(), epoch, under });
        if !by_hand {
            self.rivals.clear();
        }
        self.landed = closed.landed;
    }

    /// What was meant for another close, or for none, does not undo this one.
    fn reopened(&mut self, close: Option<&str>) {
        let meant = |stands: &Close| close.is_none_or(|line| line == stands.line);
        if self.status == Status::CLOSED && self.close.as_ref().is_some_and(meant) {
            self.open_again();
        }
    }

    fn comment(&mut self, line: &Line, text: String) {
        self.comments.push(Comment {
            id: line.id.clone(),
            issue_id: self.id.clone(),
            author: line.by.clone(),
            text,
            created_at: line.at.clone(),
        });
    }

    fn link(&mut self, line: &Line, to: String, kind: Link) {
        let known = |edge: &Edge| edge.depends_on_id == to && edge.kind == kind;
        if self.dependencies.iter().any(known) {
            return;
        }
        self.dependencies.push(Edge {
            issue_id: self.id.clone(),
            depends_on_id: to,
            kind,
            created_at: line.at.clone(),
            created_by: line.by.clone(),
        });
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bead::event::NewLink;
    use crate::ledger::Json;

    /// A line as the ledger would hand it over.
    pub(in crate::bead) fn line(on: &str, by: &str, event: &Event) -> Line {
        let json = serde_json::to_value(event).unwrap();
        Line {
            id: format!("line-{on}"),
            at: "2026-11-21T08:00:00.000Z".to_owned(),
            by: by.to_owned(),
            owner: "jane@example.org".to_owned(),
            on: on.to_owned(),
            act: json["do"].as_str().unwrap().to_owned(),
            with: json.get("with").cloned().unwrap_or(Json::Null).into(),
            ..Line::default()
        }
    }

    /// Beads told as `(id, [(kind, depends on)])`.
    pub(in crate::bead) fn beads(told: &[(&str, &[(Link, &str)])]) -> Beads {
        let mut beads = Beads::default();
        for (id, links) in told {
            let links =
                links.iter().map(|(kind, to)| NewLink { to: (*to).to_owned(), kind: kind.clone() });
            let new = New {
                title: (*id).to_owned(),
                issue_type: "task".to_owned(),
                links: links.collect(),
                ..New::default()
            };
            beads.drink(&line(id, "jane", &Event::Created(new)));
        }
        beads
    }

    pub(in crate::bead) fn drink(beads: &mut Beads, on: &str, by: &str, event: &Event) {
        beads.drink(&line(on, by, event));
    }

    fn claimed(epoch: u64, holder: &str) -> Event {
        Event::Claimed { epoch, holder: holder.to_owned(), session: None }
    }

    #[test]
    fn of_two_claims_with_one_epoch_the_first_stands_and_a_later_epoch_takes_over() {
        let mut all = beads(&[("b-1", &[])]);
        drink(&mut all, "b-1", "x", &claimed(1, "x"));
        drink(&mut all, "b-1", "y", &claimed(1, "y"));
        assert_eq!(all.get("b-1").unwrap().claim.as_ref().unwrap().holder, "x");
        drink(&mut all, "b-1", "z", &claimed(2, "z"));
        assert_eq!(all.get("b-1").unwrap().claim.as_ref().unwrap().holder, "z");
        drink(
            &mut all,
            "b-1",
            "x",
            &Event::Released { epoch: 1, reason: String::new(), claim: None },
        );
        assert_eq!(
            all.get("b-1").unwrap().assignee.as_deref(),
            Some("z"),
            "a stale release frees nothing"
        );
        let stale = Closed { epoch: Some(1), ..Closed::default() };
        drink(&mut all, "b-1", "x", &Event::Closed(stale));
        assert_eq!(
            all.get("b-1").unwrap().status,
            Status::IN_PROGRESS,
            "a stale close closes nothing"
        );
    }

    #[test]
    fn a_landed_close_is_not_undone_by_what_arrives_later() {
        let mut all = beads(&[("b-1", &[])]);
        let landed = Landed {
            entry: "main#1".to_owned(),
            submitted: "a".repeat(40),
            commit: "b".repeat(40),
        };
        let by_landing = Closed { landed: Some(landed.clone()), ..Closed::default() };
        drink(&mut all, "b-1", "refinery", &Event::Closed(by_landing));
        let by_hand = Closed { reason: "given up".to_owned(), ..Closed::default() };
        drink(&mut all, "b-1", "x", &Event::Closed(by_hand));
        let edit = Edit { status: Some(Status::OPEN), ..Edit::default() };
        drink(&mut all, "b-1", "x", &Event::Edited(edit));
        drink(&mut all, "b-1", "x", &claimed(1, "x"));
        let bead = all.get("b-1").unwrap();
        assert_eq!((&bead.status, bead.landed.as_ref()), (&Status::CLOSED, Some(&landed)));
    }

    #[test]
    fn ids_are_found_by_any_start_and_shown_as_short_as_they_are_clear() {
        let all = beads(&[("api-7f3k2m9q", &[]), ("api-7f3kxxxx", &[]), ("api-9aaaaaaa", &[])]);
        for (start, found) in [
            ("api-7f3k2m9q", Some("api-7f3k2m9q")),
            ("api-7f3k2", Some("api-7f3k2m9q")),
            ("7f3kx", Some("api-7f3kxxxx")),
            ("9", Some("api-9aaaaaaa")),
            ("7f3k", None),
            ("zz", None),
            ("", None),
        ] {
            assert_eq!(all.find(start).ok().map(|bead| bead.id.as_str()), found, "{start}");
        }
        assert_eq!(all.short("api-7f3k2m9q"), "api-7f3k2");
        assert_eq!(all.short("api-9aaaaaaa"), "api-9aaa");
    }

    #[test]
    fn lines_of_unknown_kinds_and_beads_change_nothing() {
        let mut all = beads(&[("b-1", &[])]);
        let told =
            |all: &Beads| format!("{:?}", all.rows().map(|row| row.whole()).collect::<Vec<_>>());
        let before = told(&all);
        let mut strange = line("b-1", "x", &Event::Commented { text: "x".to_owned() });
        strange.act = "bead.from-the-future".to_owned();
        all.drink(&strange);
        drink(&mut all, "b-2", "x", &claimed(1, "x"));
        assert_eq!(told(&all), before);
    }
}
