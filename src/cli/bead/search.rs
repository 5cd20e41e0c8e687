//! `git bead search`: beads by words.

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::filter::Cond;
use crate::bead::find::Asked;
use crate::bead::search::{Match, cond, exact, fuzzy, line};
use crate::cli::bead::asked::{More, Said, Which};
use crate::cli::bead::list::{self, ids};
use crate::cli::bead::only::Only;
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record::{self, Record};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Tone};
use crate::cli::stream::Stream;
use crate::refusal::Refusal;

/// Find beads by words, the best first
///
/// Each word has to stand somewhere in a bead: in its title, id, description, acceptance criteria, design,
/// notes or comments, whatever the case. A title counts most. Where nothing has all the words, titles with
/// words like them are shown instead, and that is said. Exit code 1: nothing is found.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead search parser empty
  git bead search 'empty input' --all -n 5 --json
  git bead search login -t bug -l auth -q
  git bead search login --status all --updated-after 7d")]
pub(in crate::cli) struct Search {
    /// What to look for
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    more: More,
    /// At most this many; 0 means all
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
    /// Whole ids and nothing else
    #[arg(short, long, conflicts_with_all = ["brief", "fields"])]
    quiet: bool,
    #[command(flatten)]
    only: Only,
    #[command(flatten)]
    as_of: AsOf,
}

impl Search {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let words: Vec<_> =
            self.words.iter().flat_map(|said| said.split_whitespace()).map(str::to_owned).collect();
        if words.is_empty() {
            return Err(Refusal::usage("nothing to look for")
                .hint("git bead search parser")
                .into());
        }
        let (ledger, beads) = (cx.ledger()?, self.as_of.beads(cx)?);
        let mut said = Said::new(cx);
        self.which.say(&mut said)?;
        self.more.say(&beads, &mut said)?;
        let (filter, closed) = (said.done(), self.more.with_closed());
        let with_words = Cond::All(vec![filter.clone(), cond(&words)]);
        let mut found =
            exact(&Asked::new(&ledger, &with_words, closed)?, &beads, &words, self.limit)?;
        let is_fuzzy = found.is_empty();
        if is_fuzzy {
            found = fuzzy(&Asked::new(&ledger, &filter, closed)?, &beads, &words, self.limit)?;
        }
        match (found.is_empty(), is_fuzzy) {
            (true, _) => {
                list::none(cx, "nothing found")?;
                if !closed && !cx.json {
                    cx.hint("--all looks through closed beads, too");
                }
            }
            (_, true) => {
                cx.note("note: nothing has just these words; these titles have words like them");
            }
            _ => {}
        }
        let told = Told { beads: &beads, words: &words, is_fuzzy };
        self.tell(cx, &told, &found)
    }

    fn tell(&self, cx: &Context, told: &Told<'_>, found: &[Match<'_>]) -> Result<Done> {
        let shown = if self.limit == 0 { found.len() } else { self.limit.min(found.len()) };
        if shown < found.len() {
            cx.hint(format!("{} more; --limit 0 shows all {}", found.len() - shown, found.len()));
        }
        let found = found.iter().take(shown);
        if self.quiet && !cx.json {
            let mut out = Stream::new(cx, ids);
            found.map(|it| it.row.key()).try_for_each(|id| out.add(id))?;
            return list::answer(out);
        }
        let only = self.only.names(cx.json)?;
        let mut out = Stream::new(cx, Found::list).only(&only);
        for it in found {
            let bead = cx.ledger()?.spelled(it.row.read())?;
            let record = Record::of(told.beads, &bead);
            out.add(Found {
                record: if only.is_empty() { record.uncounted() } else { record },
                matched_in: it.field,
                fuzzy: told.is_fuzzy,
                line: line(&bead, it.field, told.words).to_owned(),
            })?;
        }
        list::answer(out)
    }
}

/// What was found, and for which words.
struct Told<'t> {
    beads: &'t Beads,
    words: &'t [String],
    is_fuzzy: bool,
}

#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    record: Record,
    /// Which text has most of what was asked for.
    matched_in: &'static str,
    /// It has only words like those that were asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fuzzy: bool,
    #[serde(skip)]
    line: String,
}

/// So many letters of a line are shown.
const SHOWN: usize = 100;

impl Found {
    fn list(out: &mut Screen, all: &[Self]) {
        for found in all {
            record::list(out, std::slice::from_ref(&found.record));
            if !["title", "id"].contains(&found.matched_in) {
                let start: String = found.line.chars().take(SHOWN).collect();
                let cut = if found.line.chars().count() > SHOWN { "…" } else { "" };
                out.parts(&[(Tone::Faint, &format!("    {}: {start}{cut}", found.matched_in))]);
            }
        }
    }
}
