//! `git bead create`: write down a unit of work.

use std::path::{Path, PathBuf};

use anyhow::Result;
use indexmap::IndexMap;
use serde::Serialize;

use crate::bead::alter::Ask;
use crate::bead::event::{Edit, Link, New, NewLink};
use crate::bead::words::usual_type;
use crate::bead::{self, Beads, change, draft, files, rare};
use crate::cli::bead::bulk;
use crate::cli::bead::lint;
use crate::cli::bead::record::Record;
use crate::cli::bead::template;
use crate::cli::bead::text::text;
use crate::cli::context::Context;
use crate::cli::show::{Done, Screen, Show, Tone};
use crate::cli::when;
use crate::ledger::Json;
use crate::refusal::Refusal;

/// Write down a unit of work
///
/// Prints the new bead's id; `git bead q TITLE` prints nothing else. `--deps` takes `KIND:ID` pairs; `discovered-from:ID` records where
/// the work was found, `blocks:ID` or a bare id means that this bead waits for ID. ID may be external:PROJECT:WHAT, what another project is to do:
/// it holds this bead up until `dep remove` ends that.
///
/// --files names the paths that are its own: who takes another bead that owns one of them meanwhile is
/// told so, or refused where shopfloor.toml on the target branch has overlapping = "refuse" under [beads].
/// Patterns are those of git, from the root of the repository: * and ? within a name, ** over directories;
/// a directory means all below it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead create 'Parser accepts empty input' -t bug -p 1 --json
  git bead create 'Say where it stopped' --deps 7f3k,discovered-from:9a2c
  git bead create 'Rotate tokens' --files 'src/auth/**,docs/tokens.md'
  git bead create 'Columns, too' --parent 4tbn --body-file story.md
  git bead create --file plan.jsonl     one record a line, which name each other by their `key`")]
pub(in crate::cli) struct Create {
    /// What is to be done, in one line
    #[arg(required_unless_present_any = ["named", "file", "graph"])]
    title: Option<String>,
    /// The same, for who names everything
    #[arg(long = "title", value_name = "TITLE", conflicts_with = "title")]
    named: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// bug, feature, task, epic, chore, decision, or a word of your own
    #[arg(short = 't', long = "type", default_value = "task")]
    issue_type: String,
    /// 0 (most urgent) to 4, or P0 to P4
    #[arg(short, long, default_value = "2", value_parser = priority)]
    priority: u8,
    /// Labels, separated by commas
    #[arg(short, long, value_delimiter = ',')]
    labels: Vec<String>,
    /// The epic this belongs to
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// What this depends on, as KIND:ID, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "KIND:ID")]
    deps: Vec<String>,
    /// Make all that a file describes, all of it or nothing: a JSON record a line, or Markdown with a
    /// `## title` for each; a record with an `id` changes that bead, as update --file does; `-` is
    /// standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = OF_ONE, conflicts_with = "graph")]
    file: Option<PathBuf>,
    /// The same for a plan: a JSON object of nodes and edges; says which key became which id
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_ONE, conflicts_with = "silent")]
    graph: Option<PathBuf>,
    /// Print the id and nothing else
    #[arg(long)]
    silent: bool,
    /// Write it down only if `git bead lint` would find nothing to mend
    #[arg(long)]
    validate: bool,
}

/// What is said of one bead: a file says it of each of its own.
const OF_ONE: [&str; 9] =
    ["title", "named", "Fields", "issue_type", "priority", "labels", "parent", "deps", "validate"];

/// The texts of a bead, as `create` and `update` both take them.
#[derive(clap::Args, Clone, Default)]
pub(in crate::cli) struct Fields {
    /// The whole story
    #[arg(short, long, allow_hyphen_values = true)]
    description: Option<String>,
    /// Read the description from a file, or from standard input with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "description")]
    body_file: Option<PathBuf>,
    /// The same as --body-file -
    #[arg(long, conflicts_with_all = ["description", "body_file"])]
    stdin: bool,
    /// Let an empty file clear the description
    #[arg(long)]
    allow_empty_description: bool,
    /// How it is to be done
    #[arg(long, allow_hyphen_values = true)]
    design: Option<String>,
    /// Read that from a file, or from standard input with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "design")]
    design_file: Option<PathBuf>,
    /// How one sees that it is done
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    acceptance: Option<String>,
    /// What else is worth knowing
    #[arg(long, allow_hyphen_values = true)]
    notes: Option<String>,
    /// Add a paragraph to the notes
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    append_notes: Option<String>,
    /// Who shall do it
    #[arg(short, long)]
    assignee: Option<String>,
    /// The same thing elsewhere, such as gh-9
    #[arg(long, value_name = "REF")]
    external_ref: Option<String>,
    /// Minutes it should take
    #[arg(short, long, value_name = "MINUTES", value_parser = minutes)]
    estimate: Option<String>,
    /// When it has to be done: a day, monday, +3d
    #[arg(long, value_name = "WHEN")]
    due: Option<String>,
    /// Put it off until then: it is not ready before
    #[arg(long, value_name = "WHEN")]
    defer: Option<String>,
    /// What it is specified in, such as docs/parser.md
    #[arg(long, value_name = "REF")]
    spec_id: Option<String>,
    /// Paths that are its own while somebody works on it, such as 'src/auth/**', separated by commas
    #[arg(long, value_delimiter = ',', value_name = "PATTERN")]
    files: Option<Vec<String>>,
    /// Note a value under a key of your own, as JSON or plain text; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = metadata)]
    set_metadata: Vec<(String, Json)>,
    /// The same for many keys, as one JSON object; @FILE reads it from there
    #[arg(long, value_name = "JSON|@FILE")]
    metadata: Option<String>,
    /// Set a field that has no option of its own, such as sender, pinned, await_id; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", value_parser = rare::setting)]
    set: Vec<(String, Json)>,
}

impl Fields {
    /// Reads what stands in files, once.
    pub(super) fn read(&mut self, cx: &Context) -> Result<()> {
        if self.stdin {
            self.body_file = Some(PathBuf::from("-"));
        }
        if let Some(file) = &self.body_file {
            let said = text(cx, file, "the description")?;
            if said.trim().is_empty() && !self.allow_empty_description {
                return Err(Refusal::usage("there is no description in it")
                    .hint("--allow-empty-description if that is meant")
                    .into());
            }
            self.description = Some(said);
        }
        if let Some(file) = &self.design_file {
            self.design = Some(text(cx, file, "the design")?);
        }
        if let Some(said) = &self.files {
            self.set.push(files::field(said)?);
        }
        if let Some(said) = &self.metadata {
            let said = match said.strip_prefix('@') {
                Some(file) => text(cx, Path::new(file), "the metadata")?,
                None => said.clone(),
            };
            let Ok(Json::Object(keys)) = said.parse() else {
                let no = Refusal::usage("the metadata is no JSON object");
                return Err(no.hint("--metadata '{\"key\": \"value\"}'").into());
            };
            self.set_metadata.splice(..0, keys);
        }
        Ok(())
    }

    /// What they say; an empty word clears a field.
    pub(super) fn edit(&self, cx: &Context) -> Result<Edit> {
        let [due_at, defer_until] = self.times(cx)?;
        let mut set: IndexMap<_, _> = self.set.iter().cloned().collect();
        if self.estimate.as_deref() == Some("") {
            set.insert("estimated_minutes".to_owned(), Json::Null);
        }
        Ok(Edit {
            description: self.description.clone(),
            design: self.design.clone(),
            acceptance_criteria: self.acceptance.clone(),
            notes: self.notes.clone(),
            append_notes: self.append_notes.clone(),
            assignee: self.assignee.clone(),
            external_ref: self.external_ref.clone(),
            estimated_minutes: self.estimate.as_ref().and_then(|said| said.parse().ok()),
            due_at,
            defer_until,
            spec_id: self.spec_id.clone(),
            set_metadata: self.set_metadata.iter().cloned().collect(),
            set,
            ..Edit::default()
        })
    }

    /// When it is due, and until when it is put off.
    fn times(&self, cx: &Context) -> Result<[Option<String>; 2]> {
        let now = cx.clock.now();
        let moment = |said: &Option<String>| match said.as_deref() {
            None | Some("") => Ok(said.clone()),
            Some(said) => when::moment(said, &now).map(Some),
        };
        Ok([moment(&self.due)?, moment(&self.defer)?])
    }
}

/// A number of minutes; an empty word clears it.
fn minutes(said: &str) -> Result<String, String> {
    match said.is_empty() || said.parse::<u64>().is_ok() {
        true => Ok(said.to_owned()),
        false => Err("an estimate is a number of minutes".to_owned()),
    }
}

/// `key=value`: JSON if it is some, else text.
fn metadata(said: &str) -> Result<(String, Json), String> {
    match said.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok((key.to_owned(), value.parse().unwrap_or_else(|_| value.into())))
        }
        _ => Err("metadata is KEY=VALUE".to_owned()),
    }
}

impl Create {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        if let Some(file) = self.file.as_ref().or(self.graph.as_ref()) {
            return bulk::write(cx, file, (self.silent, self.graph.is_some()));
        }
        let (ledger, prefix) = (cx.ledger()?, bead::prefix(cx.repo()?)?);
        let (silent, validate) = (self.silent, self.validate);
        let new = self.into_new(cx)?;
        let (id, beads) = ledger.write_and_read(&cx.actor()?, |beads: &Beads, pen| {
            let mut new = new.clone();
            for link in &mut new.links {
                link.to = beads.find_end(&link.to)?.to_owned();
            }
            if validate {
                lint::demand(cx, beads, &new)?;
            }
            pen.create(&prefix, &change::create(beads, new)?)
        })?;
        Ok(Created { record: Record::of(&beads, beads.find(&id)?).uncounted(), silent }.into())
    }

    fn into_new(mut self, cx: &Context) -> Result<New> {
        self.fields.read(cx)?;
        if self.fields.description.is_none() {
            self.fields.description = template::own(cx, usual_type(&self.issue_type))?;
        }
        let title = self.title.or(self.named);
        let issue_type = Some(usual_type(&self.issue_type).to_owned());
        let edit =
            Edit { title, priority: Some(self.priority), issue_type, ..self.fields.edit(cx)? };
        let parent = self.parent.map(|to| NewLink { to, kind: Link::PARENT_CHILD });
        let links = self.deps.iter().map(|dep| link(dep)).chain(parent.map(Ok));
        let links = links.collect::<Result<_>>()?;
        let ask = Ask { edit, labels: Some(labels(&self.labels)), ..Ask::default() };
        Ok(New { links, ..ask.new_one() })
    }
}

fn link(dep: &str) -> Result<NewLink> {
    let NewLink { to, kind } = draft::link(dep);
    if to.is_empty() || dep.starts_with(':') {
        let what = format!("--deps {dep:?} does not say which bead, or how it depends on it");
        return Err(Refusal::usage(what).hint("--deps ID, or --deps blocks:ID").into());
    }
    Ok(NewLink { to, kind })
}

/// `2` or `P2`.
pub(in crate::cli) fn priority(text: &str) -> Result<u8, String> {
    let digits = text.strip_prefix(['P', 'p']).unwrap_or(text);
    match digits.parse() {
        Ok(priority) if priority <= change::LAST_PRIORITY => Ok(priority),
        _ => Err("priorities are 0 (most urgent) to 4, or P0 to P4".to_owned()),
    }
}

/// Labels as they were meant: no blanks around them, none empty.
pub(in crate::cli) fn labels(said: &[String]) -> Vec<String> {
    let words = said.iter().map(|label| label.trim()).filter(|label| !label.is_empty());
    words.map(str::to_owned).collect()
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    record: Record,
    #[serde(skip)]
    silent: bool,
}

impl Show for Created {
    fn show(&self, out: &mut Screen) {
        if self.silent {
            return out.line(&self.record.id);
        }
        out.parts(&[
            (Tone::Good, "Created "),
            (Tone::Id, &self.record.short),
            (Tone::Plain, "  "),
            (Tone::Plain, &self.record.title),
        ]);
    }
}

/// Refuses what only looks like an id because a flag was forgotten.
pub(in crate::cli) fn no_flag(word: &str) -> Result<()> {
    match word.starts_with('-') {
        true => {
            Err(Refusal::usage(format!("`{word}` looks like an option, not like an id")).into())
        }
        false => Ok(()),
    }
}
