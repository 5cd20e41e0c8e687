//! Questions that are kept under a name: the fold of their lines, and what may be written of them.

use anyhow::Result;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::bead::event::ViewEvent;
use crate::ledger::{Fold, Line, Loaded, Pen, Saving};
use crate::refusal::Refusal;

/// What stands before a name in the subject of its lines, so that it is no bead's.
const SUBJECT: &str = "view/";
/// The most letters of a name.
const LONGEST: usize = 64;

/// The questions that are kept, by their names.
#[derive(Default, Serialize, Deserialize)]
pub struct Views {
    all: IndexMap<String, String>,
}

impl Fold for Views {
    const VERSION: u32 = 1;

    fn name() -> String {
        "views".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        let Some(name) = line.on.strip_prefix(SUBJECT) else { return };
        match line.event::<ViewEvent>() {
            Some(ViewEvent::Kept { query }) => drop(self.all.insert(name.to_owned(), query)),
            Some(ViewEvent::Forgotten) => drop(self.all.shift_remove(name)),
            None => {}
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

impl Views {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|(name, query)| (name.as_str(), query.as_str()))
    }

    pub fn find(&self, name: &str) -> Result<&str> {
        let unknown = || {
            Refusal::nothing(format!("no question is kept as `{name}`"))
                .hint("`git bead query --list` shows those that are")
        };
        Ok(self.all.get(name).ok_or_else(unknown)?)
    }
}

/// Keeps a question; one of the same name is replaced.
pub fn keep(views: &Views, name: &str, query: &str, pen: &mut Pen<'_>) -> Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.chars().count() > LONGEST || !name.chars().all(is_plain) {
        let what = format!("{name:?} cannot be the name of a question");
        return Err(Refusal::usage(what)
            .hint("letters, digits and - _ . make one, 64 at most")
            .into());
    }
    if views.all.get(name).is_some_and(|known| known == query) {
        return Ok(());
    }
    pen.line(&format!("{SUBJECT}{name}"), &ViewEvent::Kept { query: query.to_owned() })
}

/// Forgets a question, and says what it was.
pub fn forget(views: &Views, name: &str, pen: &mut Pen<'_>) -> Result<String> {
    let query = views.find(name)?.to_owned();
    pen.line(&format!("{SUBJECT}{name}"), &ViewEvent::Forgotten)?;
    Ok(query)
}
