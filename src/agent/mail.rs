//! Letters between agents and the person, as lines: nothing is delivered, it is there to be read.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::agent::event::{self, Event};
use crate::ledger::{Fold, Line, Loaded, Saving};
use crate::refusal::Refusal;

/// The address of the person whose floor this is.
pub(crate) const OVERSEER: &str = "overseer";

/// What the ids of letters start with.
pub(crate) const PREFIX: &str = "mail";

const LONGEST: usize = 64 * 1024;

/// A letter as it lies in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) sent_at: String,
    pub(crate) read_at: Option<String>,
}

/// The fold of all letters, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Post {
    letters: IndexMap<String, Letter>,
}

impl Post {
    pub(crate) fn to<'a>(&'a self, reader: &'a str) -> impl DoubleEndedIterator<Item = &'a Letter> {
        self.letters.values().filter(move |letter| letter.to == reader)
    }

    /// The letter whose id starts so, or ends so after its dash.
    pub(crate) fn find(&self, start: &str) -> Result<&Letter, Refusal> {
        let suffix =
            |id: &str| id.rsplit_once('-').is_some_and(|(_, rest)| rest.starts_with(start));
        let mut fits = self
            .letters
            .values()
            .filter(|letter| letter.id.starts_with(start) || suffix(&letter.id));
        match (fits.next(), fits.next()) {
            (Some(letter), None) => Ok(letter),
            (Some(one), Some(other)) => {
                let more = fits.count();
                let and = if more == 0 { String::new() } else { format!(" and {more} more") };
                Err(Refusal::refused(format!("`{start}` names more than one letter"))
                    .hint(format!("it may be {} or {}{and}", one.id, other.id)))
            }
            (None, _) => Err(Refusal::nothing(format!("no letter's id starts with `{start}`"))
                .hint("`git sling mail --all` lists them")),
        }
    }
}

impl Fold for Post {
    const VERSION: u32 = 1;

    fn name() -> String {
        "post".to_owned()
    }

    fn drink(&mut self, line: &Line) {
        if !line.act.starts_with("mail.") {
            return;
        }
        match line.event::<Event>() {
            Some(Event::Sent(sent)) => {
                let letter = Letter {
                    id: line.on.clone(),
                    from: line.by.clone(),
                    to: sent.to,
                    subject: sent.subject,
                    body: sent.body,
                    sent_at: line.at.clone(),
                    read_at: None,
                };
                self.letters.entry(line.on.clone()).or_insert(letter);
            }
            Some(Event::Read {}) => {
                if let Some(letter) = self.letters.get_mut(&line.on) {
                    letter.read_at.get_or_insert_with(|| line.at.clone());
                }
            }
            _ => {}
        }
    }

    fn save(&self) -> Option<Saving> {
        Saving::plain(self)
    }

    fn load(loaded: Loaded) -> Option<Self> {
        loaded.plain()
    }
}

/// A letter to somebody who is known; an unknown address is an error when it is sent.
pub(crate) fn send(
    to: &str,
    subject: &str,
    body: &str,
    known: impl Fn(&str) -> bool,
) -> Result<Event, Refusal> {
    if subject.trim().is_empty() {
        return Err(Refusal::usage("a letter needs a subject"));
    }
    if subject.len() + body.len() > LONGEST {
        return Err(Refusal::usage("a letter has at most 64 KiB")
            .hint("name the file or the commit instead"));
    }
    if to != OVERSEER && !known(to) {
        return Err(Refusal::nothing(format!("no agent is called `{to}`"))
            .hint("letters go to an agent or to `overseer`"));
    }
    let (to, subject, body) = (to.to_owned(), subject.trim().to_owned(), body.to_owned());
    Ok(Event::Sent(event::Letter { to, subject, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_letters_that_start_alike_both_are_named() {
        let letter = |id: &str| {
            let word = || "x".to_owned();
            let (from, to, subject, body, sent_at) = (word(), word(), word(), word(), word());
            let id = id.to_owned();
            (id.clone(), Letter { id, from, to, subject, body, sent_at, read_at: None })
        };
        let post = Post { letters: ["mail-ab1", "mail-ab2"].map(letter).into_iter().collect() };
        let no = post.find("ab").unwrap_err();
        assert_eq!(no.hints, ["it may be mail-ab1 or mail-ab2"]);
        assert_eq!(post.find("ab2").unwrap().id, "mail-ab2");
    }

    #[test]
    fn only_a_known_address_and_a_subject_make_a_letter() {
        let known = |name: &str| name == "toast";
        assert!(send("toast", "hello", "", known).is_ok());
        assert!(send(OVERSEER, "hello", "", known).is_ok());
        for (to, subject) in [("nobody", "hello"), ("toast", " ")] {
            assert!(send(to, subject, "", known).is_err(), "{to} {subject}");
        }
        assert!(send("toast", "long", &"x".repeat(LONGEST), known).is_err());
    }
}
