//! May a bead be taken whose files a bead in other hands owns, too, and where has that come about all the
//! same? Only beads that are held are looked at. Pure, but for asking what the repository demands.

use std::cell::OnceCell;

use anyhow::Result;
use serde::Serialize;

use crate::bead::{Bead, Beads, files};
use crate::ledger::Row;
use crate::policy::{Glob, Overlapping};
use crate::refusal::Refusal;

/// The beads that others hold, and their files; nobody looks before somebody asks.
pub struct Owners<'a> {
    beads: &'a Beads,
    claimant: (String, Option<String>),
    held: OnceCell<Vec<Held<'a>>>,
    rule: OnceCell<Overlapping>,
}

struct Held<'a> {
    bead: &'a str,
    holder: &'a str,
    session: Option<&'a str>,
    files: Vec<Glob>,
}

/// One of two beads that own a path in common, each in other hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    pub id: String,
    pub holder: String,
    pub pattern: String,
}

/// Two patterns that mean a path in common, the second of a bead that somebody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash<'a> {
    pub bead: &'a str,
    pub holder: &'a str,
    pub ours: String,
    pub theirs: String,
}

/// A bead that would be ready if nobody else held its files.
pub type Shared<'a> = (Row<'a, Bead>, Vec<Clash<'a>>);

impl<'a> Owners<'a> {
    /// All whom this claimant may get in the way of: one name in two sessions is two claimants.
    pub fn beside(beads: &'a Beads, (name, session): (&str, Option<&str>)) -> Self {
        let claimant = (name.to_owned(), session.map(str::to_owned));
        Self { beads, claimant, held: OnceCell::new(), rule: OnceCell::new() }
    }

    /// The same where it is known who holds any.
    pub fn knowing(mut self, held: &mut dyn Iterator<Item = &'a Bead>) -> Self {
        self.held = OnceCell::from(self.of(held));
        self
    }

    fn held(&self) -> &[Held<'a>] {
        self.held.get_or_init(|| self.of(&mut self.beads.held()))
    }

    fn of(&self, held: &mut dyn Iterator<Item = &'a Bead>) -> Vec<Held<'a>> {
        let own = (self.claimant.0.as_str(), self.claimant.1.as_deref());
        held.filter_map(Held::of).filter(|held| held.claimant() != own).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.held().is_empty()
    }

    /// Where a bead with these files would get in their way, once for each of their beads.
    pub fn clashes(&self, id: &str, files: &[Glob]) -> Vec<Clash<'a>> {
        let others = self.held().iter().filter(|held| held.bead != id);
        let first = others.filter_map(|held| {
            let [ours, theirs] = held.shares(files)?;
            Some(Clash { bead: held.bead, holder: held.holder, ours, theirs })
        });
        first.collect()
    }

    /// Leaves those of which nobody else holds any file, and gives back the others.
    pub fn leave_free(&self, found: &mut Vec<Row<'a, Bead>>) -> Vec<Shared<'a>> {
        let mut shared = Vec::new();
        found.retain(|row| {
            let clashes = self.clashes(row.key(), &row.whole().globs());
            let is_free = clashes.is_empty();
            shared.extend((!is_free).then_some((*row, clashes)));
            is_free
        });
        shared
    }

    /// Lets the claimant have the bead `id` with these files, or refuses it. Gives back what it has to be
    /// told.
    pub fn decide(
        &self,
        (id, files): (&str, &[String]),
        demanded: &dyn Fn() -> Result<Overlapping>,
    ) -> Result<Vec<String>> {
        let (beads, files) = (self.beads, files::globs(files));
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let clashes = self.clashes(id, &files);
        let mut told: Vec<_> = clashes.iter().map(|clash| clash.say(beads)).collect();
        if told.is_empty() {
            return Ok(told);
        }
        let rule = self.rule.get().copied().map_or_else(demanded, Ok)?;
        match self.rule.get_or_init(|| rule) {
            Overlapping::Allow => Ok(Vec::new()),
            Overlapping::Warn => Ok(told),
            Overlapping::Refuse => {
                let no = format!("{} would share files: {}", beads.short(id), told.remove(0));
                let no = told.into_iter().fold(Refusal::refused(no), Refusal::hint);
                Err(no.hint("`git bead ready --claim` takes one that shares none").into())
            }
        }
    }
}

impl<'a> Held<'a> {
    fn of(bead: &'a Bead) -> Option<Self> {
        let (claim, files) = (bead.claim.as_ref()?, bead.globs());
        let session = claim.session.as_deref();
        (!files.is_empty()).then_some(Self {
            bead: &bead.id,
            holder: &claim.holder,
            session,
            files,
        })
    }

    fn claimant(&self) -> (&'a str, Option<&'a str>) {
        (self.holder, self.session)
    }

    /// The first two patterns that mean a path in common: one of these, and one of its own.
    fn shares(&self, files: &[Glob]) -> Option<[String; 2]> {
        let mut pairs = files.iter().flat_map(|ours| self.files.iter().map(move |it| (ours, it)));
        let (ours, theirs) = pairs.find(|(ours, theirs)| ours.meets(theirs))?;
        Some([ours, theirs].map(|glob| glob.as_str().to_owned()))
    }
}

/// Each two beads in the hands of two that own a path in common. None is let in where it can be seen:
/// they were claimed in clones that had not heard of each other, or before the rule was.
pub fn standing(beads: &Beads) -> Vec<[Side; 2]> {
    let held: Vec<_> = beads.held().filter_map(Held::of).collect();
    let mut found = Vec::new();
    for (n, one) in held.iter().enumerate() {
        let others = held.iter().skip(n + 1).filter(|it| it.claimant() != one.claimant());
        found.extend(others.filter_map(|other| {
            let [ours, theirs] = other.shares(&one.files)?;
            let side = |held: &Held<'_>, pattern| Side {
                id: held.bead.to_owned(),
                holder: held.holder.to_owned(),
                pattern,
            };
            Some([side(one, ours), side(other, theirs)])
        }));
    }
    found
}

/// Who is in whose way.
pub fn told(sides: &[Side; 2], beads: &Beads) -> String {
    let told = sides.each_ref().map(|Side { id, holder, pattern }| {
        format!("{} with {pattern}, which {holder} holds", beads.short(id))
    });
    format!("files in common: {}; {}", told[0], told[1])
}

impl Clash<'_> {
    pub fn say(&self, beads: &Beads) -> String {
        let Self { bead, holder, ours, theirs } = self;
        let short = beads.short(bead);
        match ours == theirs {
            true => format!("{ours} belongs to {short}, too, which {holder} holds"),
            false => format!("{ours} overlaps {theirs} of {short}, which {holder} holds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, claimed, drink};
    use crate::bead::event::{Edit, Event};
    use crate::bead::holding::tests::said;

    fn owning(all: &mut Beads, id: &str, names: &[&str]) {
        let names: Vec<_> = names.iter().map(|file| (*file).to_owned()).collect();
        let set = [files::field(&names).unwrap()].into_iter().collect();
        drink(all, id, "jane", &Event::Edited(Edit { set, ..Edit::default() }));
    }

    #[test]
    fn what_is_held_by_others_and_nothing_else_is_in_the_way() {
        let mut all = beads(&[("b-1", &[]), ("b-2", &[]), ("b-3", &[])]);
        owning(&mut all, "b-1", &["docs/a.md", "src/auth/**"]);
        owning(&mut all, "b-2", &["src/*/token.rs"]);
        owning(&mut all, "b-3", &["src/auth/token.rs"]);
        let ask = |all: &Beads, by: &str, rule: Overlapping| {
            let files = all.get("b-2").unwrap().files();
            Owners::beside(all, (by, None)).decide(("b-2", &files), &|| Ok(rule))
        };
        assert!(ask(&all, "y", Overlapping::Refuse).unwrap().is_empty(), "nobody holds any");
        drink(&mut all, "b-1", "x", &claimed(1, "x"));
        drink(&mut all, "b-2", "z", &claimed(1, "z"));
        let told = "src/*/token.rs overlaps src/auth/** of b-1, which x holds";
        assert_eq!(ask(&all, "y", Overlapping::Warn).unwrap(), [told]);
        assert_eq!(ask(&all, "x", Overlapping::Refuse).unwrap(), [""; 0], "its own");
        assert_eq!(ask(&all, "y", Overlapping::Allow).unwrap(), [""; 0]);
        let no = said(ask(&all, "y", Overlapping::Refuse));
        assert_eq!(no, format!("b-2 would share files: {told}"));
        owning(&mut all, "b-1", &[]);
        assert!(ask(&all, "y", Overlapping::Refuse).unwrap().is_empty(), "it owns none any more");
    }

    #[test]
    fn of_all_that_are_held_each_two_in_other_hands_with_a_path_in_common_are_told() {
        let ids = [1, 2, 3, 4, 5].map(|n| format!("b-{n}"));
        let mut all = beads(&ids.each_ref().map(|id| (&**id, &[][..])));
        let held = [
            ("x", &["docs/a.md", "src/auth/**"][..]),
            ("y", &["src/*/token.rs"]),
            ("x", &["src/auth/token.rs"]),
            ("y", &["web/**"]),
            ("z", &[]),
        ];
        for (id, (_, files)) in ids.iter().zip(held) {
            owning(&mut all, id, files);
        }
        assert!(standing(&all).is_empty(), "nobody holds any");
        for (id, (by, _)) in ids.iter().zip(held) {
            drink(&mut all, id, by, &claimed(1, by));
        }
        let both = standing(&all);
        let said: Vec<_> = both.iter().map(|sides| told(sides, &all)).collect();
        assert_eq!(
            said,
            [
                "files in common: b-1 with src/auth/**, which x holds; b-2 with src/*/token.rs, which y holds",
                "files in common: b-2 with src/*/token.rs, which y holds; b-3 with src/auth/token.rs, which x holds",
            ]
        );
    }
}
