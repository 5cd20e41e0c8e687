//! The hidden verb that the scripts in `hooks/` call: `git-bead hook commit-msg FILE`.
//!
//! Git reads our exit code as yes or no, so it is 0 or 1 and nothing else. What goes wrong inside of
//! us never keeps a person from committing or pushing a branch; only a push into the queue fails
//! closed, because a yes means that it is queued.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::cli::context::Context;
use crate::cli::show::Done;
use crate::githook;
use crate::refusal::Refusal;

/// Called by git
#[derive(clap::Args)]
pub(in crate::cli) struct Hook {
    name: String,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Hook {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "every verb gives a result; this one turns all into 0 or 1"
    )]
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let answer = self.answer(cx);
        self.mend(cx);
        let code = match answer {
            Ok(true) => 0,
            Ok(false) => 1,
            Err(no) => self.failed(cx, &no),
        };
        Ok(Done::silent().exit(code))
    }

    fn answer(&self, cx: &Context) -> Result<bool> {
        let repo = cx.repo()?;
        let arg = |nth: usize| self.args.get(nth).map(String::as_str);
        let mut say = |text: &str| cx.note(text);
        let mut input = std::io::stdin().lock();
        match self.name.as_str() {
            "prepare-commit-msg" => {
                githook::prepare(
                    repo,
                    &self.file(cx)?,
                    arg(1).filter(|source| !source.is_empty()),
                )?;
            }
            "commit-msg" => githook::check(repo, &self.file(cx)?)?,
            "post-merge" => githook::merged(repo, &cx.clock, &mut say)?,
            "pre-push" => {
                let (remote, url) = (arg(0).unwrap_or_default(), arg(1).unwrap_or_default());
                let free = githook::guard(repo, &cx.clock, (remote, url), &mut input, &mut say);
                githook::beside(repo, remote);
                return free;
            }
            "reference-transaction" => {
                let state = arg(0).unwrap_or_default();
                return githook::decide(repo, &cx.clock, state, &mut input, &mut say);
            }
            "proc-receive" => {
                let mut output = std::io::stdout().lock();
                githook::serve(repo, &cx.clock, (&mut input, &mut output), &mut say)?;
            }
            // A git hook that a later version will know: not ours to stop anybody.
            _ => {}
        }
        Ok(true)
    }

    /// A hook that still stands sees to the others. Pushes arrive at the gate as well, which has its own.
    fn mend(&self, cx: &Context) {
        if self.name == "proc-receive" {
            return;
        }
        match cx.repo().and_then(githook::mend) {
            Ok(done) => done.into_iter().for_each(|done| cx.note(done)),
            Err(undone) => cx.note(format!("note: {undone:#}")),
        }
    }

    /// The message file, as git names it: from the top of the work tree.
    fn file(&self, cx: &Context) -> Result<std::path::PathBuf> {
        let named = self.args.first().context("git names the message file")?;
        Ok(cx.here.join(Path::new(named)))
    }

    /// A refusal is an answer. Anything else is our own trouble: said, and only in the way where a yes
    /// would promise something.
    fn failed(&self, cx: &Context, no: &anyhow::Error) -> u8 {
        let refusal = no.downcast_ref::<Refusal>();
        cx.note(format!(
            "shopfloor: {}",
            refusal.map_or_else(|| format!("{no:#}"), |it| it.what.clone())
        ));
        for hint in refusal.map_or(&[][..], |refusal| &refusal.hints) {
            cx.hint(hint);
        }
        u8::from(refusal.is_some() || self.name == "proc-receive")
    }
}
