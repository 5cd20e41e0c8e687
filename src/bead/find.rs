//! Goes through many beads for those that are asked for, and reads no more of them than that takes.

use anyhow::Result;

use crate::bead::face::CLOSED;
use crate::bead::filter::{Cond, Seen};
use crate::bead::order::{Order, sorted};
use crate::bead::{Bead, Beads, words};
use crate::ledger::{Body, Ledger, MARK, Row, is_elsewhere};

/// Which beads are asked for.
pub struct Asked<'q> {
    pub cond: &'q Cond,
    /// Closed ones, too.
    pub closed: bool,
    /// Where the texts are that do not stand in their lines; none if all of them do.
    pub texts: Option<&'q Ledger<'q>>,
}

/// Hears of each bead that is asked for, and what was seen of it.
pub type Visit<'v, 'a> = &'v mut dyn FnMut(Row<'a, Bead>, &Seen<'_>) -> Result<()>;

impl<'q> Asked<'q> {
    pub fn new(ledger: &'q Ledger<'q>, cond: &'q Cond, closed: bool) -> Result<Self> {
        Ok(Self { cond, closed, texts: ledger.has_texts()?.then_some(ledger) })
    }

    /// The beads in this order; the first of them where only so many are shown.
    pub fn find<'a>(
        &self,
        beads: &'a Beads,
        order: &Order,
        reverse: bool,
        first: usize,
    ) -> Result<Vec<Row<'a, Bead>>> {
        let mut found = Vec::new();
        self.each(beads, !order.is_on_face(), &mut |row, seen| {
            found.push((order.place(seen), row));
            Ok(())
        })?;
        Ok(sorted(found, reverse, first))
    }

    /// Each of them, in no particular order; `whole` where the hot row is not enough for whoever hears.
    pub fn each<'a>(&self, beads: &'a Beads, whole: bool, visit: Visit<'_, 'a>) -> Result<()> {
        let mut left = Vec::new();
        let deleted = self.cond.asks_for_deleted().then(|| beads.deleted());
        for row in beads.rows().chain(deleted.into_iter().flatten()) {
            if row.mark() == CLOSED {
                let fits = || self.cond.fits(beads, &Seen::Closed(row.key()));
                if self.closed && fits() != Some(false) {
                    left.push(row);
                }
                continue;
            }
            row.look(|face| {
                let seen = Seen::Face(row.key(), face);
                match self.cond.fits(beads, &seen) {
                    Some(false) => {}
                    Some(true) if !whole => return visit(row, &seen),
                    _ => left.push(row),
                }
                Ok(())
            })?;
        }
        beads.bodies(&left, &mut |row, body| {
            if self.cannot_fit(&body) {
                return Ok(());
            }
            let bead = self.spelled(body.read().unwrap_or_else(|| row.read()))?;
            let seen = Seen::Whole(&bead);
            if self.cond.fits(beads, &seen) == Some(true) { visit(row, &seen) } else { Ok(()) }
        })
    }

    /// Whether letters are missing without which no bead is asked for. A text that is elsewhere may have
    /// them.
    fn cannot_fit(&self, body: &Body<'_, Bead>) -> bool {
        let (Some(letters), Some(bytes)) = (self.cond.letters(), body.bytes()) else {
            return false;
        };
        let holds = |letters: &str| words::holds_letters(bytes, letters.as_bytes());
        !(holds(letters) || self.texts.is_some() && holds(MARK))
    }

    fn spelled(&self, bead: Bead) -> Result<Bead> {
        match self.texts.filter(|_| has_texts_elsewhere(&bead)) {
            Some(ledger) => ledger.spelled(bead),
            None => Ok(bead),
        }
    }
}

fn has_texts_elsewhere(bead: &Bead) -> bool {
    let texts = [&bead.description, &bead.design, &bead.acceptance_criteria, &bead.notes];
    let comments = bead.comments.iter().map(|comment| &comment.text);
    texts.into_iter().chain(comments).any(|text| is_elsewhere(text))
}
