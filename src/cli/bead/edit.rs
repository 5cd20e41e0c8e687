//! `git bead edit`: change a text in the editor.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::bead::event::{self, Event};
use crate::bead::{Bead, Beads, change};
use crate::cli::bead::changed::{Changed, UPDATED};
use crate::cli::bead::record::Record;
use crate::cli::context::Context;
use crate::cli::show::Done;
use crate::host::process::Program;
use crate::host::share;
use crate::refusal::Refusal;

/// Change a text of a bead in your editor
///
/// The editor is git's: $GIT_EDITOR, core.editor, $VISUAL, $EDITOR. Nothing is written where the text is
/// left as it was. If somebody else changes it meanwhile, theirs stays, and yours is kept in a file that
/// is named; so it is whatever else goes wrong. Without a terminal, `git bead update` does the same.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead edit 7f3k                    the description
  git bead edit 7f3k --acceptance")]
#[command(group = clap::ArgGroup::new("field"))]
pub(in crate::cli) struct Edit {
    /// The bead, by any start of its id that names one
    id: String,
    /// The one line that says what is to be done
    #[arg(long, group = "field")]
    title: bool,
    /// The whole story; this one unless another is named
    #[arg(long, group = "field")]
    description: bool,
    /// How it is to be done
    #[arg(long, group = "field")]
    design: bool,
    /// What else is worth knowing
    #[arg(long, group = "field")]
    notes: bool,
    /// How one sees that it is done
    #[arg(long, group = "field")]
    acceptance: bool,
}

impl Edit {
    fn field(&self) -> &'static str {
        match self {
            Self { title: true, .. } => "title",
            Self { design: true, .. } => "design",
            Self { notes: true, .. } => "notes",
            Self { acceptance: true, .. } => "acceptance",
            _ => "description",
        }
    }

    fn text<'a>(&self, bead: &'a Bead) -> &'a String {
        match self.field() {
            "title" => &bead.title,
            "design" => &bead.design,
            "notes" => &bead.notes,
            "acceptance" => &bead.acceptance_criteria,
            _ => &bead.description,
        }
    }

    /// The command that writes what stands in this file.
    fn update(&self, file: &Path) -> String {
        let (id, file) = (&self.id, file.display());
        match self.field() {
            "description" => format!("git bead update {id} --body-file {file}"),
            "design" => format!("git bead update {id} --design-file {file}"),
            field => format!("git bead update {id} --{field} \"$(cat {file})\""),
        }
    }

    fn event(&self, text: &str) -> Result<Event> {
        let (mut edit, said) = (event::Edit::default(), Some(text.to_owned()));
        match self.field() {
            "title" => {
                change::title(text)?;
                edit.title = said;
            }
            "design" => edit.design = said,
            "notes" => edit.notes = said,
            "acceptance" => edit.acceptance_criteria = said,
            _ => edit.description = said,
        }
        Ok(Event::Edited(edit))
    }

    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let (ledger, actor, field) = (cx.ledger()?, cx.actor()?, self.field());
        if !cx.at_terminal() {
            return Err(Refusal::usage("an editor needs a terminal")
                .hint(format!("git bead update {} --{field} '…'", self.id))
                .into());
        }
        let beads: Beads = ledger.read()?;
        let known = beads.find(&self.id)?;
        change::may_edit(&beads, known, &actor)?;
        // As the fold has it, so that two states of it are compared alike.
        let (id, before) = (known.id.clone(), self.text(known).clone());
        let was = self.text(&ledger.spelled(known.clone())?).clone();
        let dir = cx.repo()?.own_dir()?.join("edit");
        share::make_dirs(&dir).with_context(|| format!("making {}", dir.display()))?;
        let file = dir.join(format!("{id}-{field}.md"));
        if file.exists() && !is_as(&file, &was) {
            let what = format!("a text that was not written is still in {}", file.display());
            return Err(Refusal::refused(what)
                .hint(format!("{} writes it; then delete it", self.update(&file)))
                .into());
        }
        share::write(&file, &was).with_context(|| format!("writing {}", file.display()))?;
        let text = open(cx, &file).map_err(|no| match is_as(&file, &was) {
            true => {
                drop(fs::remove_file(&file));
                no
            }
            false => kept(no, &file),
        })?;
        // Editors end the last line.
        let text = if was.ends_with('\n') { text.as_str() } else { text.trim_end_matches('\n') };
        if text == was {
            drop(fs::remove_file(&file));
            cx.note("nothing was changed");
            return Ok(Done::silent());
        }
        let written = ledger.write_and_read(&actor, |beads: &Beads, pen| {
            let now = beads.find(&id)?;
            change::may_edit(beads, now, &actor)?;
            if *self.text(now) != before {
                let (by, at) = (&now.updated_by, &now.updated_at);
                let what = format!("the {field} was changed by {by} at {at}, while you edited it");
                let short = beads.short(&id);
                return Err(Refusal::refused(what)
                    .hint(format!("`git bead show {short}` tells what it is now"))
                    .into());
            }
            pen.line(&id, &self.event(text)?)?;
            Ok(Record::of(beads, now))
        });
        let (was, beads) = written.map_err(|no| kept(no, &file))?;
        drop(fs::remove_file(&file));
        let is = Record::of(&beads, beads.find(&id)?);
        Ok(Changed::of(UPDATED, &was, &is)?.into())
    }
}

fn kept(no: anyhow::Error, file: &Path) -> anyhow::Error {
    let kept = format!("your text is kept in {}", file.display());
    match no.downcast::<Refusal>() {
        Ok(refusal) => refusal.hint(kept).into(),
        Err(no) => no.context(kept),
    }
}

fn is_as(file: &Path, text: &str) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes == text.as_bytes())
}

/// What a person has made of a file.
fn open(cx: &Context, file: &Path) -> Result<String> {
    let repo = cx.repo()?;
    let mut git = repo.git(["var", "GIT_EDITOR"]);
    for name in ["GIT_EDITOR", "VISUAL", "EDITOR", "TERM"] {
        if let Some(value) = cx.env.get(name) {
            git = git.env(name, value);
        }
    }
    let editor = git.text()?;
    // As git itself calls it.
    let call = format!("{editor} \"$@\"");
    let shell = Program::new("/bin/sh").args(["-c", &call, &editor]).args([file]).dir(&cx.here);
    let failed = || format!("{editor} did not end well");
    if !shell.lend_terminal().with_context(failed)? {
        return Err(Refusal::fatal(failed()).hint("nothing was written").into());
    }
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let not = || format!("{} is not UTF-8, and is left as it is", file.display());
    String::from_utf8(bytes).map_err(|_| Refusal::usage(not()).into())
}
