//! `git sling mail`: letters between agents and the person.

use anyhow::Result;
use serde::Serialize;

use crate::agent::Roster;
use crate::agent::event::Event;
use crate::agent::mail::{self, Letter, OVERSEER, Post};
use crate::cli::bead::text::text;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::sling::tables::Tables;
use crate::cli::table;
use crate::git::RefName;
use crate::ledger::Actor;

/// Read and send letters
///
/// Without a verb: what has come for you and was not read. The person reads as `overseer`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling mail
  git sling mail send toast -s 'Mind the tabs' -m 'they count as one'")]
pub(super) struct Mail {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// What was read before, too
    #[arg(short, long)]
    all: bool,
}

#[derive(clap::Subcommand)]
enum Verb {
    Read(Read),
    Send(Send),
}

/// Read a letter
///
/// It counts as read once the one it was sent to has read it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling mail read mail-7f3k")]
struct Read {
    /// The letter, by any start of its id that names one
    id: String,
}

/// Send a letter to an agent, or to `overseer`
///
/// An agent finds what came for it with `git sling mail`, and so do you what came for `overseer`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling mail send toast -s 'Mind the tabs' -m 'they count as one'
  git sling mail send overseer -s 'Done' -m -")]
struct Send {
    /// An agent, or `overseer`
    to: String,
    /// What it is about, in one line
    #[arg(short, long)]
    subject: String,
    /// The letter; `-` reads it from standard input
    #[arg(short = 'm', long, default_value = "")]
    body: String,
}

impl Mail {
    pub(super) fn changes(&self) -> bool {
        self.verb.is_some()
    }

    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        match self.verb {
            Some(Verb::Read(verb)) => verb.run(cx),
            Some(Verb::Send(verb)) => verb.run(cx),
            None => {
                let post: Post = cx.ledger()?.read()?;
                let me = me(&cx.actor()?);
                let letters = post.to(&me).filter(|letter| self.all || letter.read_at.is_none());
                Ok(Inbox(letters.cloned().collect()).into())
            }
        }
    }
}

fn me(actor: &Actor) -> String {
    if actor.agent { actor.by.clone() } else { OVERSEER.to_owned() }
}

impl Read {
    fn run(self, cx: &Context) -> Result<Done> {
        let actor = cx.actor()?;
        let me = me(&actor);
        let letter = cx.ledger()?.write(&actor, |post: &Post, pen| {
            let letter = post.find(&self.id)?;
            // Others may look; only the one it was sent to has then read it.
            if letter.to == me && letter.read_at.is_none() {
                pen.line(&letter.id, &Event::Read {})?;
            }
            Ok(letter.clone())
        })?;
        Ok(Whole(cx.ledger()?.spelled(letter)?).into())
    }
}

impl Send {
    fn run(self, cx: &Context) -> Result<Done> {
        let repo = cx.repo()?;
        let body = match self.body.as_str() {
            "-" => text(cx, "-".as_ref(), "the letter")?,
            body => body.to_owned(),
        };
        let tip = repo.read_ref(&RefName::branch(&repo.default_branch()?)?)?;
        // An agent that nobody has slung yet is known by its table alone.
        let tables = tip.and_then(|tip| Tables::read(cx, &tip).ok());
        let id = cx.ledger()?.write(&cx.actor()?, |roster: &Roster, pen| {
            let known = |name: &str| {
                roster.agents().contains(name)
                    || tables.as_ref().is_some_and(|tables| tables.has(name))
            };
            pen.create(mail::PREFIX, &mail::send(&self.to, &self.subject, &body, known)?)
        })?;
        Ok(Sent { id, to: self.to }.into())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Inbox(Vec<Letter>);

impl Show for Inbox {
    fn show(&self, out: &mut Screen) {
        if self.0.is_empty() {
            return out.line("no new mail");
        }
        let cells = |letter: &Letter| {
            let sign = if letter.read_at.is_some() { " " } else { "●" };
            vec![
                (Tone::Busy, sign.to_owned()),
                (Tone::Id, letter.id.clone()),
                (Tone::Strong, letter.from.clone()),
                (Tone::Plain, letter.subject.clone()),
            ]
        };
        table::rows(out, &self.0.iter().map(cells).collect::<Vec<_>>());
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Whole(Letter);

impl Show for Whole {
    fn show(&self, out: &mut Screen) {
        let Letter { from, to, subject, body, sent_at, .. } = &self.0;
        for (word, value) in [("From", from), ("To", to), ("Date", sent_at), ("Subject", subject)] {
            out.line(format!("{:9}{value}", format!("{word}:")));
        }
        if !body.is_empty() {
            out.line("");
            out.block(body, 0);
        }
    }
}

#[derive(Serialize)]
struct Sent {
    id: String,
    to: String,
}

impl Show for Sent {
    fn show(&self, out: &mut Screen) {
        out.parts(&[
            (Tone::Plain, "Sent "),
            (Tone::Id, &self.id),
            (Tone::Plain, &format!("  to {}", self.to)),
        ]);
    }
}
