//! Goes through many beads for those that are asked for, and reads no more of them than that takes.

use anyhow::Result;

use crate::bead::face::{CLOSED, Texts};
use crate::bead::filter::{Cond, Field, Seen};
use crate::bead::order::{Order, sorted};
use crate::bead::words::Letters;
use crate::bead::{Bead, Beads};
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
        self.each(beads, &|seen| order.is_told_by(seen), &mut |row, seen| {
            found.push((order.place(seen), row));
            Ok(())
        })?;
        Ok(sorted(found, reverse, first))
    }

    /// Each of them, in no particular order; `enough` says whether what was seen of one is that for
    /// whoever hears of it.
    pub fn each<'a>(
        &self,
        beads: &'a Beads,
        enough: &dyn Fn(&Seen<'_>) -> bool,
        visit: Visit<'_, 'a>,
    ) -> Result<()> {
        let mut left = Vec::new();
        let mut look = |row: Row<'a, Bead>, seen: &Seen<'_>| match self.cond.fits(beads, seen) {
            Some(false) => Ok(()),
            Some(true) if enough(seen) => visit(row, seen),
            _ => {
                left.push(row);
                Ok(())
            }
        };
        let deleted = self.cond.asks_for_deleted().then(|| beads.deleted());
        // Where being closed decides, no closed one is looked at.
        let closed = self.closed
            && (self.cond.speaks_of(&[Field::Id])
                || self.cond.fits(beads, &Seen::Closed("")) != Some(false));
        let all = closed.then(|| beads.rows());
        let open = (!closed).then(|| beads.not_closed());
        let all = all.into_iter().flatten().chain(open.into_iter().flatten());
        for row in all.chain(deleted.into_iter().flatten()) {
            match row.mark() == CLOSED {
                true => look(row, &Seen::Closed(row.key()))?,
                false => row.look(|face| look(row, &Seen::Face(row.key(), face)))?,
            }
        }
        let letters = self.cond.letters().map(Letters::new);
        beads.bodies(&left, &mut |row, body| {
            if letters.as_ref().is_some_and(|letters| self.lacks(&body, letters)) {
                return Ok(());
            }
            if row.mark() != CLOSED
                && let Some(texts) = body.begin::<Texts<'_>>()
            {
                let told = row.look(|face| {
                    let seen = Seen::Texts(face, texts);
                    match self.cond.fits(beads, &seen) {
                        Some(true) if enough(&seen) => Some(visit(row, &seen)),
                        fits => (fits == Some(false)).then_some(Ok(())),
                    }
                });
                if let Some(told) = told {
                    return told;
                }
            }
            let bead = self.spelled(body.read().unwrap_or_else(|| row.read()))?;
            let seen = Seen::Whole(&bead);
            if self.cond.fits(beads, &seen) == Some(true) { visit(row, &seen) } else { Ok(()) }
        })
    }

    /// Whether a body has not the letters without which no bead is asked for. A text that is elsewhere
    /// may have them.
    fn lacks(&self, body: &Body<'_, Bead>, letters: &Letters<'_>) -> bool {
        let Some(bytes) = body.bytes() else { return false };
        let may_be_elsewhere = || self.texts.is_some() && Letters::new(MARK).are_in(bytes);
        !(letters.are_in(bytes) || may_be_elsewhere())
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
