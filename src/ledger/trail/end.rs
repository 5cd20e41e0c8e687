//! Where a trail ends, and how notes go on from there.

use anyhow::Result;

use super::line;
use super::note::Note;
use crate::git::Oid;
use crate::ledger::canon::split;

/// Where a trail ends.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    pub(super) last: Option<String>,
    pub(super) clock: u64,
}

impl End {
    /// After the last of the lines in a file.
    pub(super) fn of(file: &[u8]) -> Result<Self> {
        match split(file)?.last() {
            Some(last) => {
                let line = line::parse(last)?;
                Ok(Self { last: Some(line.id), clock: line.clock })
            }
            None => Ok(Self::default()),
        }
    }

    /// The notes as lines that follow it. The first of all says of which repository it is.
    pub(super) fn follow(
        mut self,
        notes: &[Note],
        of: Option<&Oid>,
    ) -> Result<(Vec<Vec<u8>>, Self)> {
        let mut lines = Vec::new();
        for note in notes {
            // Others may have noted something meanwhile, who had seen more.
            self.clock = self.clock.max(note.clock);
            let (id, stored) = line::seal(note, self.clock, self.last.as_deref(), of)?;
            self.last = Some(id);
            lines.push(stored);
        }
        Ok((lines, self))
    }
}
