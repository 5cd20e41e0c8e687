//! `git sling logs`: what a session said, with nothing in it that a terminal would act on.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::agent::{Desk, Session};
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, inert};
use crate::cli::sling::world::World;
use crate::refusal::Refusal;

const GLANCE: Duration = Duration::from_millis(200);

/// Show what a session said
///
/// Both streams as they came, kept on this machine alone; control characters are written out.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git sling logs toast
  git sling logs -f 7f3k                as it comes")]
pub(super) struct Logs {
    /// A session, or an agent or bead, whose newest session is meant
    #[arg(value_name = "SESSION|AGENT|BEAD")]
    of: String,
    /// Go on as it comes, until the session is over
    #[arg(short, long, conflicts_with = "json")]
    follow: bool,
}

impl Logs {
    pub(super) fn run(self, cx: &Context) -> Result<Done> {
        let session = session(cx, &self.of)?;
        let desk = Desk::of(cx.repo()?);
        let path = desk.output(&session.id);
        if self.follow {
            follow(cx, &desk, &session)?;
            return Ok(Done::silent());
        }
        let output = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Refusal::nothing(format!("no output of {} is kept here", session.id))
                    .hint("it stays where the session ran; `git bead log` says what came of it")
                    .into());
            }
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        Ok(Output { session: session.id, agent: session.agent, bead: session.bead, output }.into())
    }
}

/// The session somebody means: by its id, its agent, or any start of its bead's id.
pub(super) fn session(cx: &Context, of: &str) -> Result<Session> {
    let (beads, roster, _) = cx.ledger()?.read::<World>()?;
    let named = roster.newest(of).or_else(|| roster.newest(&beads.find(of).ok()?.id));
    let started = || {
        let mut fits = roster.sessions().filter(|session| session.id.starts_with(of));
        fits.next().filter(|_| fits.next().is_none())
    };
    named.or_else(started).cloned().ok_or_else(|| {
        Refusal::nothing(format!("`{of}` is no session, agent or bead that was slung"))
            .hint("`git sling ps --all` lists all sessions")
            .into()
    })
}

fn follow(cx: &Context, desk: &Desk, session: &Session) -> Result<()> {
    let mut file: Option<File> = None;
    loop {
        // Looked at before reading: what was written by then is read by then.
        let over = !desk.is_open(&session.id);
        if file.is_none() {
            file = File::open(desk.output(&session.id)).ok();
        }
        if let Some(file) = &mut file {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).context("reading the output")?;
            let text = inert(&String::from_utf8_lossy(&bytes));
            let mut out = std::io::stdout().lock();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                said => said.context("writing to standard output")?,
            }
        }
        if over {
            return Ok(());
        }
        cx.clock.sleep(GLANCE);
    }
}

#[derive(Serialize)]
struct Output {
    session: String,
    agent: String,
    bead: String,
    output: String,
}

impl Show for Output {
    fn show(&self, out: &mut Screen) {
        out.block(&self.output, 0);
    }
}
