//! As much of the facts as fits into the tokens that there are for it. Pure.

use anyhow::Result;
use serde_json::{Map, json};

use super::facts::{Facts, Held, Near, ROWS};
use crate::bead::tokens::{cut, shares, tokens};
use crate::ledger::Json;

/// No session begins with more than this.
const MOST: usize = 1500;
/// Room for all that may be cut. What is around that costs more where there is much of it, so the first
/// that leads to a page that fits is taken.
const ROOMS: [usize; 7] = [1200, 1000, 800, 500, 250, 100, 0];

/// The page, as text or as JSON, in at most so many tokens.
pub(super) fn fitting(facts: &Facts, is_json: bool) -> Result<String> {
    let mut page = String::new();
    for room in ROOMS {
        let facts = cut_to(facts, room);
        page = if is_json { serde_json::to_string(&record(&facts))? + "\n" } else { text(&facts) };
        if tokens(&page) <= MOST {
            break;
        }
    }
    Ok(page)
}

/// Facts of which each text is as long as its share of the room.
struct Cut<'f> {
    facts: &'f Facts,
    /// Of rows, labels and keys each has so many tokens, of names these, and there are so many rows of a
    /// kind.
    word: usize,
    name: usize,
    rows: usize,
    held: Vec<(&'static str, &'f str)>,
    rules: &'f str,
    memories: Vec<(&'f str, &'f str)>,
    is_cut: bool,
}

fn cut_to(facts: &Facts, room: usize) -> Cut<'_> {
    let texts = facts.held.as_ref().map(|held| held.texts.as_slice()).unwrap_or_default();
    let word = 6 + room / 50;
    let rows = (1 + room / 300).min(ROWS);
    let name = 14 + room / 40;
    let few: Vec<_> = facts.memories.iter().take(room / 100).collect();
    let own = texts.iter().map(|(_, text)| text.as_str());
    let all = own.chain([facts.rules.as_str()]).chain(few.iter().map(|(_, text)| text.as_str()));
    let all: Vec<_> = all.collect();
    // What is remembered is told in a sentence, or asked for.
    let is_memory = |at: usize| at > texts.len();
    let wanted = all.iter().enumerate().map(|(at, text)| match is_memory(at) {
        true => tokens(text).min(room / 16),
        false => tokens(text),
    });
    let given = shares(&wanted.collect::<Vec<_>>(), room);
    let mut cuts = all.iter().zip(given).map(|(text, most)| cut(text, most));
    let mut is_cut = false;
    let held = texts.iter().zip(&mut cuts).map(|((name, _), (text, less))| {
        is_cut |= less;
        (*name, text)
    });
    let held = held.collect();
    let rules = cuts.next().unwrap_or_default().0;
    let memories = few.iter().zip(cuts).map(|((key, _), (text, _))| (cut(key, word).0, text));
    Cut { facts, word, name, rows, held, rules, memories: memories.collect(), is_cut }
}

impl Cut<'_> {
    fn name<'t>(&self, text: &'t str) -> &'t str {
        cut(text, self.name).0
    }

    fn word<'t>(&self, text: &'t str) -> &'t str {
        cut(text, self.word).0
    }

    /// As many as there is room for.
    fn labels<'h>(&self, held: &'h Held) -> Vec<&'h str> {
        let mut left = 3 * self.word;
        let fits = |label: &&str| {
            let cost = tokens(label) + 3;
            left = left.saturating_sub(cost);
            left > 0
        };
        held.labels.iter().map(String::as_str).take_while(fits).collect()
    }

    /// How a bead is named to people.
    fn short<'n>(&self, near: &'n Near) -> &'n str {
        self.name(&near.short)
    }

    fn row(&self, near: &Near) -> String {
        let (short, kind) = (self.short(near), cut(&near.issue_type, 8).0);
        format!("{short}  P{} {kind}  {}", near.priority, flat(self.word(&near.title)))
    }

    /// What to do, and by which command.
    fn commands(&self) -> Vec<(String, &'static str)> {
        let held = self.facts.held.as_ref().map(|held| self.short(&held.bead));
        let id = held.unwrap_or("ID");
        let mut all = Vec::new();
        if held.is_none() {
            all.push((
                "git bead ready --claim --json".to_owned(),
                "take the best of what is ready",
            ));
        }
        all.push((format!("git bead show {id}"), "all there is to know about it"));
        all.push((format!("git bead comment {id} 'found: …'"), "what others should know of it"));
        let found = format!("git bead create 'title' -d 'why' --deps discovered-from:{id}");
        all.push((found, "more work that you find; do not do it now"));
        if self.facts.is_agent {
            let push = format!("git push origin HEAD:{}", self.name(&self.facts.target));
            all.push((
                push,
                "submit what you committed; QUEUED is success, and its landing closes the bead",
            ));
        }
        all.push((format!("git bead close {id} --reason 'why'"), "where no change is to land"));
        all.push(("git bead remember 'lesson'".to_owned(), "for every later session"));
        all
    }
}

/// One line stays one.
fn flat(text: &str) -> String {
    text.replace('\n', " ")
}

fn text(page: &Cut<'_>) -> String {
    let facts = page.facts;
    let session = facts.session.as_ref().map(|it| format!(", session {}", page.name(it)));
    let (name, target) = (flat(page.name(&facts.actor)), page.name(&facts.target));
    let mut lines = vec![match facts.is_agent {
        true => format!("You are {name}, an agent{}.", session.unwrap_or_default()),
        false => format!("You act as {name}."),
    }];
    if let Some(first) = lines.first_mut() {
        first.push_str(&format!(" Work lands on {target}."));
    }
    if let Some(held) = &facts.held {
        tell_held(page, held, &mut lines);
    }
    if !page.rules.is_empty() {
        lines.extend([String::new(), "Rules of this repository".to_owned(), page.rules.to_owned()]);
    }
    let mut section = |head: String, rows: Vec<String>| {
        if !rows.is_empty() {
            lines.extend([String::new(), head]);
            lines.extend(rows);
        }
    };
    let rows = |all: &[Near]| all.iter().take(page.rows).map(|near| page.row(near)).collect();
    section(format!("You hold {} more", facts.also_count), rows(&facts.also));
    let memories = page.memories.iter().map(|(key, text)| format!("{}: {}", flat(key), flat(text)));
    let told =
        format!("Remembered ({}; `git bead recall KEY` tells all of one)", facts.memory_count);
    section(told, memories.collect());
    section(format!("Ready ({}; `git bead ready`)", facts.ready_count), rows(&facts.ready));
    let commands = page.commands().into_iter().map(|(call, does)| format!("{call}   {does}"));
    section("Commands".to_owned(), commands.collect());
    lines.join("\n") + "\n"
}

fn tell_held(page: &Cut<'_>, held: &Held, lines: &mut Vec<String>) {
    lines.extend([String::new(), format!("Do this now: {}", page.row(&held.bead))]);
    lines.push(format!("You hold it (epoch {}).", held.epoch));
    if let Some(entry) = &held.submitted {
        lines.push(format!(
            "It is submitted as {}, and lands when its checks pass.",
            page.name(entry)
        ));
    }
    if !held.labels.is_empty() {
        lines.push(format!("Labels: {}", flat(&page.labels(held).join(", "))));
    }
    for (word, all) in [("It waits for", &held.waits_for), ("Waiting for it", &held.dependents)] {
        lines.extend(all.iter().take(page.rows).map(|near| format!("{word}: {}", page.row(near))));
    }
    for (name, text) in page.held.iter().filter(|(_, text)| !text.is_empty()) {
        let head = match *name {
            "rejection" => "Your last submission was rejected; put this right",
            "acceptance_criteria" => "Acceptance criteria",
            "description" => "Description",
            "design" => "Design",
            "notes" => "Notes",
            _ => "Comments, the newest first",
        };
        lines.extend([String::new(), head.to_owned(), (*text).to_owned()]);
    }
    if page.is_cut {
        lines.push(format!("[cut: `git bead show {}` tells the rest]", page.short(&held.bead)));
    }
}

fn record(page: &Cut<'_>) -> Json {
    let facts = page.facts;
    let near = |near: &Near| {
        json!({
            "id": cut(&near.id, 60).0,
            "title": page.word(&near.title),
            "priority": near.priority,
            "issue_type": cut(&near.issue_type, 8).0,
        })
    };
    let rows = |all: &[Near]| all.iter().take(page.rows).map(near).collect::<Vec<_>>();
    let held = facts.held.as_ref().map(|held| {
        let mut told = near(&held.bead);
        let facts = [
            ("epoch", held.epoch.into()),
            ("submitted", held.submitted.as_ref().map(|entry| page.name(entry)).into()),
            ("labels", page.labels(held).into()),
            ("waits_for", rows(&held.waits_for).into()),
            ("dependents", rows(&held.dependents).into()),
        ];
        let texts = page.held.iter().map(|(name, text)| (*name, Json::from(*text)));
        for (name, value) in facts.into_iter().chain(texts).chain([("cut", page.is_cut.into())]) {
            told.as_object_mut().and_then(|fields| fields.insert(name.to_owned(), value));
        }
        told
    });
    let memories: Map<_, _> =
        page.memories.iter().map(|(key, text)| ((*key).to_owned(), Json::from(*text))).collect();
    let commands: Map<_, _> =
        page.commands().into_iter().map(|(call, does)| (call, Json::from(does))).collect();
    let mut all = json!({
        "actor": page.name(&facts.actor),
        "agent": facts.is_agent,
        "session": facts.session.as_deref().map(|it| page.name(it)),
        "target": page.name(&facts.target),
        "held": held,
        "also_held": rows(&facts.also),
        "rules": page.rules,
        "memories": memories,
        "memory_count": facts.memory_count,
        "ready": rows(&facts.ready),
        "ready_count": facts.ready_count,
        "commands": commands,
    });
    all.as_object_mut().into_iter().for_each(without_empty);
    all
}

fn without_empty(fields: &mut Map<String, Json>) {
    fields.retain(|_, value| {
        if let Json::Object(fields) = value {
            without_empty(fields);
        }
        match value {
            Json::Null | Json::Bool(false) => false,
            Json::String(text) => !text.is_empty(),
            Json::Array(all) => !all.is_empty(),
            Json::Object(all) => !all.is_empty(),
            _ => true,
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(text: &str) -> Near {
        let text = text.to_owned();
        let (id, short, title) = (text.clone(), text.clone(), text.clone());
        Near { id, short, title, priority: 1, issue_type: text }
    }

    /// Everything there may be, all of it `text`, called so.
    fn full_of(text: &str, name: &str, is_agent: bool) -> Facts {
        let name = || name.to_owned();
        let all = vec![Near { title: text.to_owned(), ..near(&name()) }; ROWS];
        let names =
            ["rejection", "acceptance_criteria", "description", "design", "notes", "comments"];
        let memories = (0..20).map(|n| (format!("{n}{text}"), text.to_owned()));
        Facts {
            actor: name(),
            is_agent,
            session: Some(name()),
            target: name(),
            held: Some(Held {
                bead: near(&name()),
                epoch: u64::MAX,
                labels: vec![name(); 500],
                waits_for: all.clone(),
                dependents: all.clone(),
                submitted: Some(name()),
                texts: names.map(|name| (name, text.to_owned())).to_vec(),
            }),
            also: all.clone(),
            also_count: usize::MAX,
            ready: all,
            ready_count: usize::MAX,
            memories: memories.collect(),
            memory_count: usize::MAX,
            rules: text.to_owned(),
        }
    }

    #[test]
    fn there_is_always_something_of_everything_that_matters() {
        let facts = full_of(&"Some words about it. ".repeat(400), "api-7f3k", true);
        let page = fitting(&facts, false).unwrap();
        for head in
            ["Do this now", "Acceptance criteria", "Description", "Rules", "Remembered", "Ready"]
        {
            assert!(page.contains(head), "{page}");
        }
        assert!(page.contains("[cut: `git bead show") && tokens(&page) > MOST / 2, "{page}");
    }

    #[test]
    fn what_fits_is_told_whole() {
        let mut facts = full_of("brief", "api-7f3k", false);
        facts.held.as_mut().unwrap().labels.truncate(3);
        let page = fitting(&facts, false).unwrap();
        assert!(!page.contains("[cut") && page.starts_with("You act as api-7f3k. "), "{page}");
        let json: Json = fitting(&facts, true).unwrap().parse().unwrap();
        assert_eq!((&json["held"]["cut"], &json["held"]["notes"]), (&Json::Null, &"brief".into()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_page_has_more_tokens_than_there_are(
            text in "\\PC{0,80}|[\"\\\\\n{}]{1,80}|[a-z0-9A-Z]{1,80}|[漢字カナ🦀🚀]{1,80}|[a-z ]{1,80}",
            times in prop::sample::select(vec![1usize, 3, 20]),
            is_agent in any::<bool>(),
            is_json in any::<bool>(),
        ) {
            let facts = full_of(&text.repeat(times), &text.repeat(times), is_agent);
            let page = fitting(&facts, is_json).unwrap();
            prop_assert!(tokens(&page) <= MOST, "{}", tokens(&page));
            prop_assert!(!is_json || page.parse::<Json>().is_ok());
        }
    }
}
