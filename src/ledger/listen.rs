//! What is new since somebody last listened, for those who wait for a word that may never come. Kept in
//! a file that anyone may delete: then listening begins anew.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Ledger;
use super::line::Line;
use super::shelf::{News, Positions};
use crate::host::share;

#[derive(Serialize, Deserialize)]
struct Heard<T> {
    marks: Positions,
    told: T,
}

impl Ledger<'_> {
    /// Hands over what was kept by the last one who listened, with the lines that came since; nothing
    /// where that cannot be told. What comes back is kept for the next one.
    pub fn listen<T: Serialize + DeserializeOwned>(
        &self,
        path: &Path,
        hear: impl FnOnce(Option<(T, &[Line])>) -> T,
    ) -> Result<()> {
        let Some((_, shelf)) = self.checked()? else { return Ok(()) };
        let known = fs::read(path).ok();
        let known = known.and_then(|text| serde_json::from_slice::<Heard<T>>(&text).ok());
        let (mut heard, mut lines) = (None, Vec::new());
        if let Some(Heard { marks, told }) = known
            && let News::To(marks) =
                shelf.news(&self.store, &marks, &mut |line| lines.push(line))?
        {
            heard = Some((told, lines, marks));
        }
        let heard = match heard {
            Some((told, lines, marks)) => Heard { marks, told: hear(Some((told, &lines))) },
            None => Heard { marks: self.positions_of(&shelf)?, told: hear(None) },
        };
        let half = path.with_extension(format!("{}.half", std::process::id()));
        share::write(&half, serde_json::to_vec(&heard)?)
            .and_then(|()| fs::rename(&half, path))
            .with_context(|| format!("writing {}", path.display()))
    }

    /// What the last one who listened has kept.
    pub fn overheard<T: DeserializeOwned>(&self, path: &Path) -> Option<T> {
        let heard: Heard<T> = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        Some(heard.told)
    }
}
