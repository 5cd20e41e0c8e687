//! The fold of this room's words: every bead as it stands, and how a person may name one.

use crate::bead::event::{Event, Told};
use crate::bead::face::{DELETED, Face, is_live};
use crate::bead::fields::{Bead, Edge, is_external};
use crate::ledger::{Fold, Hear, Json, Kept as _, Line, Loaded, NAME_DIGITS, Row, Saving, Table};
use crate::refusal::Refusal;

/// Every bead the ledger knows, in the order of creation.
#[derive(Default)]
pub struct Beads {
    all: Table<Bead>,
}

impl Fold for Beads {
    const VERSION: u32 = 19;

    fn name() -> String {
        "beads".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("bead.") && !line.act.starts_with("import.") {
            return;
        }
        match line.event::<Event>() {
            Some(Event::Created(new)) => self.all.add(&line.on, || Bead::born(line, new)),
            Some(Event::Told(told)) => self.hear(&line.on, &told),
            Some(event) => {
                if let Some(bead) = self.all.get_mut(&line.on) {
                    let is_change =
                        !matches!(event, Event::Renewed { .. } | Event::Digested { .. });
                    bead.lines += u64::from(is_change);
                    bead.drink(line, event);
                }
            }
            None => {}
        }
    }

    fn save(&self) -> Option<Saving> {
        self.all.save()
    }

    fn load(loaded: Loaded) -> Option<Self> {
        Table::load(loaded, |beads: Self| beads.all).map(|all| Self { all })
    }

    fn is_sound(&self) -> bool {
        self.all.is_sound()
    }
}

impl Beads {
    /// What another tool tells of a bead. Two clones may have heard of two beads by one name: both stay,
    /// the second by the name that any clone would give it. Which is the second may differ between them,
    /// too: what has that name there may have the plain one here.
    pub(super) fn hear(&mut self, on: &str, told: &Told) {
        let mut theirs = Bead::told(on, told);
        let is_other = |id: &str| self.all.get(id).map(|known| known.is_other(&theirs));
        let said = told.record.get("id").and_then(Json::as_str).unwrap_or(on);
        if said != on && theirs.born_as(said) == on && is_other(said) == Some(false) {
            said.clone_into(&mut theirs.id);
        } else if is_other(on) == Some(true) {
            theirs = theirs.by_birth();
        }
        match self.all.get_mut(&theirs.id) {
            Some(known) => {
                known.lines += 1;
                known.unite(theirs, told.rest_of());
            }
            None if told.more => {}
            None => {
                let id = theirs.id.clone();
                self.all.add(&id, || theirs);
            }
        }
    }
}

impl Beads {
    /// What had come to be of a bead by an earlier moment, as a later record has it.
    pub(super) fn reach(&mut self, id: &str, told: &Told) {
        let then = Bead::told(id, told);
        if let Some(known) = self.all.get_mut(id).filter(|known| !known.is_other(&then)) {
            known.reach(then);
        }
    }
}

/// At least this many characters of the hash are shown and asked for, as git does with its own.
pub(super) const SHORTEST: usize = 4;

impl Beads {
    pub fn get(&self, id: &str) -> Option<&Bead> {
        self.all.get(id)
    }

    /// A bead of which only as much is read as is asked for.
    pub fn row(&self, id: &str) -> Option<Row<'_, Bead>> {
        self.all.row(id)
    }

    /// All but those that are deleted.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.all.rows().filter(|row| row.mark() != DELETED)
    }

    pub fn every(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.all.rows()
    }

    pub fn deleted(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.all.rows().filter(|row| row.mark() == DELETED)
    }

    /// The beads whose ids start so, in no particular order.
    pub fn starting<'a>(&'a self, start: &'a str) -> impl Iterator<Item = Row<'a, Bead>> {
        self.all.starting(start)
    }

    /// Hands over the bodies of these rows, for who goes through many.
    pub fn bodies<'a>(
        &'a self,
        rows: &[Row<'a, Bead>],
        hear: Hear<'_, 'a, Bead>,
    ) -> anyhow::Result<()> {
        self.all.bodies(rows, hear)
    }

    /// The beads that may hold others up.
    pub fn live(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.all.live().filter(is_live)
    }

    pub fn not_closed(&self) -> impl Iterator<Item = Row<'_, Bead>> {
        self.all.live()
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
        // Any id starts so, and where there is one bead alone that would name it.
        if start.is_empty() {
            return Err(Refusal::usage("an empty id names no bead")
                .hint("`git bead list --all` shows them all")
                .into());
        }
        if let Some(bead) = self.all.get(start) {
            return Ok(bead);
        }
        let fits = self.all.rows().filter(|row| names(row.key(), start));
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

    /// What an edge may lead to: a bead, or what another project is to do.
    pub fn find_end<'a>(&'a self, said: &'a str) -> anyhow::Result<&'a str> {
        if is_external(said) { Ok(said) } else { Ok(&self.find(said)?.id) }
    }

    /// The beads whose ids start so.
    pub fn find_each(&self, starts: &[String]) -> anyhow::Result<Vec<&Bead>> {
        starts.iter().map(|start| self.find(start)).collect()
    }

    /// The shortest start of `id` that names it alone, at least four characters after the prefix. What
    /// another tool has named is known by its whole name.
    pub fn short<'a>(&self, id: &'a str) -> &'a str {
        if hash_of(id).len() != NAME_DIGITS || self.all.row(id).is_none() {
            return id;
        }
        let least = (id.len() - hash_of(id).len() + SHORTEST).min(id.len());
        let alone =
            (least.max(self.all.shared(id) + 1)..id.len()).find(|at| id.is_char_boundary(*at));
        alone.and_then(|end| id.get(..end)).unwrap_or(id)
    }

    pub fn parent(&self, bead: &Bead) -> Option<Row<'_, Bead>> {
        self.over(&bead.face())
    }

    /// What it is a child of.
    pub fn above<'a>(&'a self, face: &Face<'_>) -> Option<&'a str> {
        Some(self.over(face)?.key())
    }

    pub fn over(&self, face: &Face<'_>) -> Option<Row<'_, Bead>> {
        self.row(face.parent()?)
    }

    pub fn children<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Row<'a, Bead>> {
        self.all.naming(id).filter(move |row| row.face().parent() == Some(id))
    }

    /// Who has an edge to `id`, of whatever kind.
    pub(super) fn naming<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Row<'a, Bead>> {
        self.all.naming(id)
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
        let edges = |row: Row<'_, Bead>| {
            row.look(|face| face.edges.iter().filter(|edge| edge.1 == id).count())
        };
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bead::event::{Link, New, NewLink};
    use crate::ledger;

    /// A line as the ledger would hand it over.
    pub(in crate::bead) fn line(on: &str, by: &str, event: &Event) -> Line {
        let (act, with) = ledger::word(event).unwrap();
        Line {
            id: format!("line-{on}"),
            at: "2026-11-21T08:00:00.000Z".to_owned(),
            by: by.to_owned(),
            owner: "jane@example.org".to_owned(),
            on: on.to_owned(),
            act,
            with: with.into(),
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

    pub(in crate::bead) fn claimed(epoch: u64, holder: &str) -> Event {
        Event::Claimed { epoch, holder: holder.to_owned(), session: None }
    }

    #[test]
    fn ids_are_found_by_any_start_and_shown_as_short_as_they_are_clear() {
        let ours = ["api-7f3k2m9qaaaaaaaa", "api-7f3kxxxxaaaaaaaa", "api-9aaaaaaaaaaaaaaa"];
        let theirs = ["api-7f3k2m9q", "api-toasty.1"];
        let told: Vec<(&str, &[(Link, &str)])> =
            ours.into_iter().chain(theirs).map(|id| (id, [].as_slice())).collect();
        let all = beads(&told);
        for (start, found) in [
            ("api-7f3k2m9q", Some("api-7f3k2m9q")),
            ("api-7f3k2", None),
            ("api-7f3k2m9qa", Some("api-7f3k2m9qaaaaaaaa")),
            ("7f3kx", Some("api-7f3kxxxxaaaaaaaa")),
            ("9", Some("api-9aaaaaaaaaaaaaaa")),
            ("7f3k", None),
            ("zz", None),
            ("", None),
        ] {
            assert_eq!(all.find(start).ok().map(|bead| bead.id.as_str()), found, "{start}");
        }
        let shown = ["api-7f3k2m9qa", "api-7f3kx", "api-9aaa", "api-7f3k2m9q", "api-toasty.1"];
        for (id, short) in ours.into_iter().chain(theirs).zip(shown) {
            assert_eq!(all.short(id), short);
        }
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
