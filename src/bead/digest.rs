//! What is told of a bead that is long done: one line with what was done, why, where, and what was decided.
//! Pure.

use crate::bead::Bead;
use crate::bead::event::Status;
use crate::bead::tokens::tokens;

/// The most letters of each part, and of it all.
const PART: usize = 160;
pub const LONGEST: usize = 700;
/// The most files and decisions that are named.
const FILES: usize = 5;
const DECISIONS: usize = 3;
/// Words of sentences in which something is decided.
const DECIDING: [&str; 5] = ["decided", "decision", "chose", "instead of", "rather than"];
/// And of those in which nothing is.
const UNDECIDED: [&str; 5] = ["no decision", "undecided", "not decided", "not yet", "be decided"];
/// Words that end with a point in the middle of a sentence, beside those with a point within.
const SHORTENED: [&str; 10] =
    ["Dr", "Mr", "Mrs", "Ms", "Prof", "vs", "cf", "approx", "resp", "incl"];

/// What the ledger and the repository know of a bead beside what it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What its sessions decided, each with the reason.
    pub decisions: Vec<String>,
    /// What the commit that landed for it has changed.
    pub files: Vec<String>,
}

/// Whether a bead is long done: closed since before then, and not told in short already.
pub fn is_due(bead: &Bead, before: &str) -> bool {
    let closed = bead.closed_at.as_deref().is_some_and(|at| at < before);
    bead.status == Status::CLOSED && bead.digest.is_none() && closed
}

/// How many bytes a digest stands for, and how many tokens.
pub fn size(bead: &Bead) -> (usize, usize) {
    let own = [
        Some(&bead.title),
        Some(&bead.description),
        Some(&bead.design),
        Some(&bead.acceptance_criteria),
        Some(&bead.notes),
        bead.close_reason.as_ref(),
    ];
    let comments = bead.comments.iter().map(|comment| &comment.text);
    let texts = own.into_iter().flatten().chain(comments);
    texts.fold((0, 0), |(bytes, all), text| (bytes + text.len(), all + tokens(text)))
}

/// One line; none where there is nothing to say of it but its title, or no less than it says itself.
pub fn compose(bead: &Bead, known: &Known) -> Option<String> {
    let mut parts = Vec::new();
    let mut say = |head: &str, said: String| {
        if !said.is_empty() {
            parts.push(format!("{head}: {said}"));
        }
    };
    say("why", sentence(&bead.description));
    say("done", sentence(bead.close_reason.as_deref().unwrap_or_default()));
    say("decided", decided(bead, known));
    if let Some(landed) = &bead.landed {
        let commit: String = landed.commit.chars().take(10).collect();
        say("where", format!("{} in {commit}", named(&known.files)));
    }
    let title = part(&bead.title);
    let by = bead.closed_by.as_ref().map(|by| format!(" ({})", part(by)));
    let digest = format!("{title}{} | {}", by.unwrap_or_default(), parts.join(" | "));
    let worth = !parts.is_empty() && tokens(&digest) < size(bead).1;
    worth.then(|| line(&digest))
}

/// What somebody else made of it, as one line that is no longer than it may be.
pub fn line(said: &str) -> String {
    start(&flat(said), LONGEST)
}

fn decided(bead: &Bead, known: &Known) -> String {
    let said = bead.comments.iter().map(|comment| comment.text.as_str());
    let texts = said.chain([bead.notes.as_str(), bead.design.as_str()]).flat_map(str::lines);
    let decides = |text: &&str| {
        let low = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| low.contains(word));
        says(&DECIDING) && !says(&UNDECIDED) && !low.trim_end().ends_with('?')
    };
    let own = texts.filter(decides).map(unlabelled);
    let all = known.decisions.iter().map(String::as_str).chain(own);
    all.map(|text| start(&part(text), PART))
        .filter(|text| !text.is_empty())
        .take(DECISIONS)
        .collect::<Vec<_>>()
        .join("; ")
}

/// A digest says itself that this was decided.
fn unlabelled(text: &str) -> &str {
    match text.split_once(':') {
        Some((label, said))
            if ["decided", "decision"]
                .contains(&label.trim_matches([' ', '-', '*', '#']).to_lowercase().as_str()) =>
        {
            said.trim_start_matches('*')
        }
        _ => text,
    }
}

fn named(files: &[String]) -> String {
    let mut named = files.iter().take(FILES).cloned().collect::<Vec<_>>().join(", ");
    if files.len() > FILES {
        named.push_str(&format!(" and {} more", files.len() - FILES));
    }
    if named.is_empty() { "no file".to_owned() } else { part(&named) }
}

/// The first sentence.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let text = text.split_once("\n\n").map_or(text, |(first, _)| first);
    let ends = |at: usize| {
        let (before, after) = text.split_at_checked(at).unwrap_or_default();
        let word = before.split_whitespace().next_back().unwrap_or_default();
        let next = after.get(2..).and_then(|after| after.trim_start().chars().next());
        let is_short = word.contains('.') || SHORTENED.contains(&word);
        !is_short && next.is_none_or(|c| !c.is_lowercase() && !c.is_ascii_digit())
    };
    let end = text.match_indices(". ").map(|(at, _)| at).find(|at| ends(*at));
    start(&part(end.and_then(|end| text.get(..=end)).unwrap_or(text)), PART)
}

/// As one part: what stands between those is in none.
fn part(text: &str) -> String {
    flat(text).replace('|', "/")
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cut between words.
fn start(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", cut.get(..end).unwrap_or(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::event::Landed;
    use crate::bead::fields::{Comment, Digest};

    fn closed() -> Bead {
        Bead {
            id: "b-1".to_owned(),
            title: "Parser accepts empty input".to_owned(),
            description: "It stops at the first byte. ".to_owned() + &"More of that. ".repeat(30),
            status: Status::CLOSED,
            closed_at: Some("2026-10-01T00:00:00.000Z".to_owned()),
            closed_by: Some("toast".to_owned()),
            close_reason: Some("an empty file is one empty line".to_owned()),
            ..Bead::default()
        }
    }

    #[test]
    fn a_digest_says_what_why_where_and_what_was_decided() {
        let text = "we chose a sentinel\ninstead of an option".to_owned();
        let comment = Comment {
            id: String::new(),
            issue_id: String::new(),
            author: String::new(),
            text,
            created_at: String::new(),
            rest: Default::default(),
        };
        let landed = Landed { commit: "0123456789abcdef".to_owned(), ..Landed::default() };
        let bead = Bead { comments: vec![comment], landed: Some(landed), ..closed() };
        let files = (0..7).map(|n| format!("src/{n}.rs")).collect();
        let known = Known { decisions: vec!["one lock: taken together".to_owned()], files };
        assert_eq!(
            compose(&bead, &known).unwrap(),
            "Parser accepts empty input (toast) | why: It stops at the first byte. | \
             done: an empty file is one empty line | \
             decided: one lock: taken together; we chose a sentinel; instead of an option | \
             where: src/0.rs, src/1.rs, src/2.rs, src/3.rs, src/4.rs and 2 more in 0123456789"
        );
    }

    #[test]
    fn a_sentence_ends_where_the_next_begins() {
        for (text, first) in [
            ("It stops. Then it goes on.", "It stops."),
            ("It stops\nhere\n\nMore", "It stops here"),
            (
                "Take some, e.g. Three of v1. 2 are bad. More",
                "Take some, e.g. Three of v1. 2 are bad.",
            ),
            ("Ask Dr. Who. More", "Ask Dr. Who."),
            ("a | done: all", "a / done: all"),
            ("Ends so. ", "Ends so."),
            ("Schön. Über allem", "Schön."),
        ] {
            assert_eq!(sentence(text), first);
        }
    }

    #[test]
    fn what_is_not_decided_is_not_told_as_decided() {
        let told = |notes: &str| {
            let bead = Bead { notes: notes.to_owned(), ..closed() };
            decided(&bead, &Known::default())
        };
        for (notes, said) in [
            ("No decision yet", ""),
            ("still to be decided: which", ""),
            ("Was it decided?", ""),
            ("decided: tabs", "tabs"),
            ("- **Decision:** tabs", "tabs"),
            ("we decided: tabs | done: x", "we decided: tabs / done: x"),
        ] {
            assert_eq!(told(notes), said);
        }
    }

    #[test]
    fn a_title_is_no_digest() {
        let bare = Bead { description: String::new(), close_reason: None, ..closed() };
        let brief = Bead { description: "It stops.".to_owned(), ..closed() };
        for bead in [bare, brief] {
            assert_eq!(compose(&bead, &Known::default()), None);
        }
        let long = line(&"word ".repeat(500));
        assert!(long.chars().count() <= LONGEST && long.ends_with("word…"), "{long}");
    }

    #[test]
    fn what_was_closed_long_ago_is_due_once() {
        let digest = Some(Digest::default());
        for (bead, before, due) in [
            (closed(), "2026-10-02T00:00:00.000Z", true),
            (closed(), "2026-10-01T00:00:00.000Z", false),
            (Bead { digest, ..closed() }, "2026-11-01T00:00:00.000Z", false),
            (Bead { status: Status::OPEN, ..closed() }, "2026-11-01T00:00:00.000Z", false),
        ] {
            assert_eq!(is_due(&bead, before), due);
        }
    }
}
