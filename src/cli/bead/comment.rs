//! `git bead comment`: say something about a bead.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::bead::{Beads, change};
use crate::cli::bead::past::AsOf;
use crate::cli::bead::record;
use crate::cli::bead::text::text;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::refusal::Refusal;

/// Say something about a bead
///
/// What was said stays, with who said it and when; `git bead show` tells it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead comment 7f3k 'tabs count as one column'
  git bead comment 7f3k --file -        from standard input
  git bead comment 7f3k --list          what was said so far")]
pub(in crate::cli) struct Comment {
    /// The bead, by any start of its id that names one
    id: String,
    /// What is to be said
    #[arg(required_unless_present_any = ["file", "list"], conflicts_with = "as_of")]
    text: Option<String>,
    /// Read the text from a file, or from standard input with `-`
    #[arg(short, long, conflicts_with_all = ["text", "as_of"])]
    file: Option<PathBuf>,
    /// Say nothing, and tell what was said so far
    #[arg(long, conflicts_with_all = ["text", "file"])]
    list: bool,
    #[command(flatten)]
    as_of: AsOf,
}

impl Comment {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if self.list {
            return self.told(cx);
        }
        let text = match &self.file {
            Some(file) => text(cx, file, "the comment")?,
            None => self.text.unwrap_or_default(),
        };
        if text.trim().is_empty() {
            let id = &self.id;
            return Err(Refusal::usage(format!("nothing is said of {id}: the comment is empty"))
                .hint(format!("git bead comment {id} 'what is to be said', or --file FILE"))
                .into());
        }
        let ledger = cx.ledger()?;
        let (id, beads) = ledger.write_and_read(&cx.actor()?, |beads: &Beads, pen| {
            let bead = beads.find(&self.id)?;
            pen.line(&bead.id, &change::comment(beads, bead, &text)?)?;
            Ok(bead.id.clone())
        })?;
        let bead = beads.find(&id)?;
        let said = bead.comments.last().map(record::Comment::of);
        Ok(Commented { said, short: beads.short(&id).to_owned() }.into())
    }
}

impl Comment {
    fn told(&self, cx: &Context) -> Result<Done> {
        let bead = cx.ledger()?.spelled(self.as_of.beads(cx)?.find(&self.id)?.clone())?;
        let said: Vec<_> = bead.comments.iter().map(record::Comment::of).collect();
        let code = if said.is_empty() { exit::NOTHING } else { 0 };
        Ok(Done::from(Comments(said)).whole().exit(code))
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Comments(Vec<record::Comment>);

impl Show for Comments {
    fn show(&self, out: &mut Screen) {
        for said in &self.0 {
            out.parts(&[(Tone::Faint, &format!("{} {}", said.created_at, said.author))]);
            out.block(&said.text, 4);
        }
    }
}

#[derive(Serialize)]
struct Commented {
    #[serde(flatten)]
    said: Option<record::Comment>,
    #[serde(skip)]
    short: String,
}

impl Show for Commented {
    fn show(&self, out: &mut Screen) {
        out.line(format!("Commented on {}", self.short));
    }
}
