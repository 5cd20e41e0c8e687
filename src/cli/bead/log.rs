//! `git bead log`: the ledger, as its lines tell it.

use std::collections::{HashSet, VecDeque};

use anyhow::Result;
use serde::Serialize;

use crate::bead::Beads;
use crate::bead::history::{History, Known};
use crate::bead::past;
use crate::cli::bead::past::AsOf;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::show::{Done, Screen, Tone};
use crate::cli::stream::Stream;
use crate::cli::table;
use crate::cli::when;
use crate::convoy::Convoys;
use crate::ledger::{Json, Ledger, Line, Query, REDACTED, UNDOES, is_elsewhere};
use crate::refusal::{Kind, Refusal};

/// Tell what happened, in order: who did what to which bead
///
/// A name tells what its owner did, and what was done in its sessions. Without SUBJECT it tells
/// everything, the newest last.
///
/// What sessions did by themselves (edits, commands, findings, decisions, commits, gates) stands in
/// the trail, which is opened for --trail, --session, --file and --do trail alone.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  git bead log -n 20                    the newest of everything
  git bead log 7f3k toast main#42       a bead, an agent, an entry of the queue
  git bead log 7f3k --full              with every value whole
  git bead log 7f3k --trail             and what was done for it in detail
  git bead log --file src/parse --since 2w
  git bead log --do trail.decision --model opus --json
  git bead log --session s-4k2m --do trail.gate")]
pub(in crate::cli) struct Log {
    /// Only what is about these: a bead or convoy (any start of its id), session, agent, or entry of
    /// the queue, such as main#42
    #[arg(value_name = "SUBJECT")]
    of: Vec<String>,
    /// Only what was done by this name, or by one below it (api/polecat)
    #[arg(long, value_name = "NAME")]
    by: Vec<String>,
    /// Only lines of this kind, or of a kind below it (bead.closed, trail)
    #[arg(long = "do", value_name = "KIND")]
    act: Vec<String>,
    /// Only lines on this bead, or on this whole subject
    #[arg(long, value_name = "ID")]
    on: Vec<String>,
    /// Only what was done in this session
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
    /// Only what was done by this model, or by one whose name begins so
    #[arg(long)]
    model: Vec<String>,
    /// Only what was done to this file, or below this directory
    #[arg(long, value_name = "PATH")]
    file: Vec<String>,
    /// Only from then on: a stamp, a day (UTC), or how long ago (90m, 6h, 3d, 2w)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only before then
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// As it was told then: a date (the end of a day), how long ago, or a commit
    #[arg(long, value_name = "WHEN|COMMIT", conflicts_with_all = ["trail", "session", "file", "until"])]
    as_of: Option<String>,
    /// Tell every value whole, on lines of its own, as JSON always does
    #[arg(long)]
    full: bool,
    /// Tell the trail, too
    #[arg(long)]
    trail: bool,
    /// Only the newest so many; 0 means all
    #[arg(short = 'n', long, default_value_t = 0)]
    limit: usize,
}

impl Log {
    pub(in crate::cli) fn run(self, cx: &Context) -> Result<Done> {
        let ledger = cx.ledger()?;
        let (beads, convoys): (Beads, Convoys) = ledger.read()?;
        // Whoever asks for everything has to read it anyway.
        let history = match self.of.is_empty() && self.on.is_empty() {
            true => History::default(),
            false => ledger.read()?,
        };
        let subjects = Subject::meant(&self.of, &history, &beads, &convoys)?;
        let mut about: Vec<_> = subjects.into_iter().map(About::new).collect();
        let moment = AsOf { as_of: self.as_of.clone() }.moment(cx)?;
        let (limit, full, query) = (self.limit, self.full, self.query(cx, &beads)?);
        if query.asks_trail()
            && let Err(no) = ledger.pour()
        {
            cx.note(format!("note: what was noted last is not told: {no:#}"));
        }
        let mut out = Stream::new(cx, if full { tell_whole } else { tell });
        let (mut newest, mut trouble) = (VecDeque::new(), Ok(()));
        let named = named(&about, &query);
        // Each subject follows what is said of it, so it has to see every line.
        let whole = Query { trail: query.asks_trail(), ..Query::default() };
        let asked = if about.is_empty() { query.clone() } else { whole };
        let newest_do = moment.is_none() && about.is_empty() && limit > 0 && !query.asks_trail();
        let mut each = |line: &Line| {
            let concerned =
                about.iter_mut().filter_map(|it| it.concerns(line).then_some(())).count();
            if trouble.is_err() || (concerned == 0 && !about.is_empty()) || !query.fits(line) {
                return;
            }
            let mut entry = Entry::of(&beads, line.clone());
            if full && !cx.json {
                trouble = entry.spell(&ledger);
            }
            if limit == 0 && trouble.is_ok() {
                trouble = out.add(entry);
                return;
            }
            newest.push_back(entry);
            if newest.len() > limit {
                newest.pop_front();
            }
        };
        match named {
            _ if let Some(moment) = &moment => past::lines(&ledger, moment, &mut each)?,
            Some(ids) => {
                let ids: Vec<_> = ids.iter().map(String::as_str).collect();
                history.lines(&ledger, &ids)?.iter().for_each(&mut each);
            }
            None if newest_do => ledger.newest(&asked, limit)?.iter().for_each(&mut each),
            None => ledger.tell(&asked, &mut each)?,
        }
        trouble?;
        newest.into_iter().try_for_each(|entry| out.add(entry))?;
        let all = query == Query { trail: query.trail, ..Query::default() };
        let found = out.end()? > 0 || all;
        Ok(Done::silent().exit(if found { 0 } else { exit::NOTHING }))
    }

    fn query(self, cx: &Context, beads: &Beads) -> Result<Query> {
        let now = cx.clock.now();
        let moment = |said: Option<String>| said.map(|said| when::moment(&said, &now)).transpose();
        // A subject that is no bead's stands for itself.
        let on = self.on.into_iter().map(|said| match beads.find(&said) {
            Ok(bead) => Ok(bead.id.clone()),
            Err(no) if is_nothing(&no) => Ok(said),
            Err(no) => Err(no),
        });
        Ok(Query {
            on: on.collect::<Result<_>>()?,
            by: self.by,
            act: self.act,
            session: self.session,
            model: self.model,
            file: self.file,
            since: moment(self.since)?,
            until: moment(self.until)?,
            trail: self.trail,
        })
    }
}

/// What all that is asked for is about, where its history is enough to tell that.
fn named(about: &[About], query: &Query) -> Option<Vec<String>> {
    let subjects = about.iter().map(|about| match &about.subject {
        Subject::Thing(id) => Some(id.clone()),
        Subject::Name(_) => None,
    });
    let ids: Vec<_> = match about.is_empty() {
        true => query.on.clone(),
        false => subjects.collect::<Option<_>>()?,
    };
    (!ids.is_empty() && !query.asks_trail()).then_some(ids)
}

/// What one can ask the ledger about.
pub(super) enum Subject {
    /// A bead, or whatever else has lines of its own, by its whole id.
    Thing(String),
    /// Somebody who acts.
    Name(String),
}

impl Subject {
    /// What a person means by these words: a whole id or name before any start of one, a bead before a
    /// convoy.
    fn meant(
        said: &[String],
        history: &History,
        beads: &Beads,
        convoys: &Convoys,
    ) -> Result<Vec<Self>> {
        let meant = said.iter().map(|said| {
            match history.knows(said) {
                Some(Known::Subject) => return Ok(Self::Thing(said.clone())),
                Some(Known::Name) => return Ok(Self::Name(said.clone())),
                None => {}
            }
            let bead = beads.find(said).map(|bead| bead.id.clone());
            match bead {
                Err(no) if is_nothing(&no) => convoys.find(said).map(|convoy| convoy.id.clone()),
                known => known,
            }
            .map(Self::Thing)
            .map_err(|no| if is_nothing(&no) { unknown(said) } else { no })
        });
        meant.collect()
    }
}

fn unknown(said: &str) -> anyhow::Error {
    Refusal::nothing(format!("the ledger knows no bead, convoy, session, agent or entry `{said}`"))
        .hint("`git bead log` without a name tells everything that happened")
        .into()
}

fn is_nothing(no: &anyhow::Error) -> bool {
    no.downcast_ref::<Refusal>().is_some_and(|no| no.kind == Kind::Nothing)
}

/// The lines about something: on itself or by itself, and on whatever a line says was done for it,
/// such as a session or an entry of the queue, from that line on.
pub(super) struct About {
    subject: Subject,
    followed: HashSet<String>,
}

impl About {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, followed: HashSet::new() }
    }

    pub(super) fn concerns(&mut self, line: &Line) -> bool {
        let (named, own) = match &self.subject {
            Subject::Thing(id) => {
                let told = line.act.starts_with("trail.") && line.session.as_ref() == Some(id);
                (line.with.says("bead", id), line.on == *id || told)
            }
            Subject::Name(name) => (line.with.says("agent", name), acts(line, name)),
        };
        if named {
            self.followed.insert(line.on.clone());
        }
        named || own || self.followed.contains(&line.on)
    }
}

/// Whether a line is somebody's own doing, or puts something into their hands.
fn acts(line: &Line, name: &str) -> bool {
    line.by == name || line.with.says("holder", name) || line.with.says("to", name)
}

/// One line with its subject as a person would write it.
#[derive(Serialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    line: Line,
    #[serde(skip)]
    on: String,
}

impl Entry {
    pub(super) fn of(beads: &Beads, line: Line) -> Self {
        let on = beads.row(&line.on).map_or(line.on.as_str(), |row| beads.short(row.key()));
        Self { on: on.to_owned(), line }
    }

    /// With the texts that stand beside it.
    fn spell(&mut self, ledger: &Ledger<'_>) -> Result<()> {
        let mut with = self.line.with.json();
        if ledger.spell(&mut with)? {
            self.line.with = with.into();
        }
        Ok(())
    }
}

/// The lines as rows: when, who, on what, what, and the facts in short.
pub(super) fn tell(out: &mut Screen, entries: &[Entry]) {
    let rows: Vec<_> = entries
        .iter()
        .map(|Entry { line, on }| {
            vec![
                (Tone::Faint, line.at.clone()),
                (Tone::Plain, line.by.clone()),
                (Tone::Id, on.clone()),
                (Tone::Strong, line.act.clone()),
                (Tone::Plain, facts(line, cut).join(" ")),
            ]
        })
        .collect();
    table::rows(out, &rows);
}

/// The same with all that was said.
fn tell_whole(out: &mut Screen, entries: &[Entry]) {
    for Entry { line, on } in entries {
        let head = format!("{}  {}  ", line.at, line.by);
        let act = format!("  {}", line.act);
        out.parts(&[(Tone::Faint, &head), (Tone::Id, on), (Tone::Strong, &act)]);
        for fact in facts(line, str::to_owned) {
            fact.lines().for_each(|said| out.line(format!("    {said}")));
        }
    }
}

/// The plain facts of a line, each as long as is wanted, in their order.
fn facts(line: &Line, length: fn(&str) -> String) -> Vec<String> {
    let gone = line.rest.get(REDACTED).and_then(Json::as_str);
    let gone = gone.map(|said| format!("[redacted {said}]"));
    let with = line.with.json();
    let Some(fields) = with.as_object() else { return gone.into_iter().collect() };
    let fact = |before: &str, key: &str, text: &str| format!("{before}{key}={}", length(text));
    // What a line is about is told beside it, and another line's name tells a person nothing.
    let plain = |key: &str| !["bead", "claim"].contains(&key);
    let said = fields.iter().filter(|(key, _)| plain(key)).flat_map(|(key, value)| {
        match (key.as_str(), value) {
            ("set", Json::Object(inner)) => settings("", inner, &fact),
            ("metadata" | "set_metadata", Json::Object(inner)) => {
                settings("metadata.", inner, &fact)
            }
            ("unset_metadata", Json::Array(keys)) => {
                let keys = keys.iter().filter_map(Json::as_str);
                keys.map(|key| fact("metadata.", key, "")).collect()
            }
            (key, value) => short(value).map(|text| fact("", key, &text)).into_iter().collect(),
        }
    });
    // Of a record that another tool has, how the bead stands there.
    let status = fields.get("record").and_then(|record| record.get("status")?.as_str());
    let status = status.map(|status| format!("status={status}"));
    let undoes = line.rest.contains_key(UNDOES).then(|| "(undo)".to_owned());
    said.chain(status).chain(gone).chain(undoes).collect()
}

/// Each for itself, whatever it is set to: who overwrites one finds here what it was.
fn settings<'a>(
    before: &str,
    inner: impl IntoIterator<Item = (&'a String, &'a Json)>,
    fact: &dyn Fn(&str, &str, &str) -> String,
) -> Vec<String> {
    let said = |value: &Json| match value {
        Json::Null => String::new(),
        value => short(value).unwrap_or_else(|| value.to_string()),
    };
    inner.into_iter().map(|(key, value)| fact(before, key, &said(value))).collect()
}

/// The beginning of a text, and how long it is where that is not all.
fn cut(text: &str) -> String {
    let start: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
    match start == text.trim_end() {
        true => start,
        false => format!("{start}… ({} characters)", text.chars().count()),
    }
}

/// A value as one text, if it can be one.
fn short(value: &Json) -> Option<String> {
    Some(match value {
        Json::String(text) if is_elsewhere(text) => {
            let bytes = text.trim_end_matches('\u{1}').rsplit(':').next().unwrap_or_default();
            format!("… ({bytes} bytes)")
        }
        Json::String(text) if is_commit(text) => text.chars().take(10).collect(),
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(flag) => flag.to_string(),
        Json::Array(items) => items.iter().map(word).collect::<Option<Vec<_>>>()?.join(","),
        Json::Null | Json::Object(_) => return None,
    })
}

/// A text of a list, or a link.
fn word(item: &Json) -> Option<String> {
    let text = |name: &str| item.get(name).and_then(Json::as_str);
    let link = || Some(format!("{}:{}", text("kind")?, text("to")?));
    item.as_str().map(str::to_owned).or_else(link)
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
