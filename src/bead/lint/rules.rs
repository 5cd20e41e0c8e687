//! The rules, in the order in which their findings are told. Each says in which field something is wrong,
//! what, and the command that mends it. Pure.

use crate::bead::Bead;
use crate::bead::lint::{Ground, text};
use crate::policy::Glob;

/// Minutes, patterns of paths, files of the tree, and characters: more than that is more than one bead.
const LONGEST_ESTIMATE: u64 = 8 * 60;
const MOST_PATTERNS: usize = 12;
const MOST_FILES: usize = 50;
const LONGEST_TEXT: usize = 8000;

const ACCEPTANCE: &[&str] = &["acceptance", "success criteria", "definition of done", "done when"];
const STEPS: &[&str] = &["steps to reproduce", "reproduc", "repro"];
const INTERFACES: &[&str] =
    &["interface", "api", "contract", "signature", "uses", "offers", "provides", "takes", "input"];
const OUTPUTS: &[&str] = &["output", "expected", "deliver", "result", "returns", "afterwards"];
/// Words by which a sentence says what comes out.
const COMES_OUT: &[&str] = &[
    "answers", "emits", "exits", "outputs", "prints", "produces", "renders", "reports", "responds",
    "returns", "says", "shows", "writes",
];
const MAKES: &[&str] = &[
    "add",
    "adds",
    "create",
    "creates",
    "generate",
    "introduce",
    "make",
    "makes",
    "new",
    "write",
    "writes",
];
/// What a second job begins with.
const JOBS: &[&str] = &[
    "add",
    "allow",
    "build",
    "change",
    "clean",
    "create",
    "delete",
    "document",
    "drop",
    "fix",
    "handle",
    "implement",
    "improve",
    "make",
    "migrate",
    "move",
    "port",
    "print",
    "refactor",
    "remove",
    "rename",
    "replace",
    "rewrite",
    "show",
    "support",
    "switch",
    "test",
    "update",
    "upgrade",
    "write",
];
const WAITS: &[&str] =
    &["after", "blocked by", "blocked on", "depends on", "once", "waits for", "waiting for"];
const ENDS: &[&str] =
    &["closed", "done", "finished", "landed", "lands", "merged", "merges", "ready"];
const WORK: &[&str] = &["bead", "issue", "pr", "task", "ticket"];

/// A field, what is wrong with it, and how to mend that.
type Fault = (&'static str, String, String);

type Rule = fn(&Case<'_>) -> Option<Fault>;

/// What each says of a bead.
pub(super) const RULES: [(&str, Rule); 13] = [
    ("description", description),
    ("acceptance", acceptance),
    ("acceptance-command", acceptance_command),
    ("steps", steps),
    ("files", files),
    ("files-pattern", files_pattern),
    ("files-unmatched", files_unmatched),
    ("files-shared", files_shared),
    ("interface", interface),
    ("output", output),
    ("hidden-wait", hidden_wait),
    ("size", size),
    ("two-jobs", two_jobs),
];

/// A bead, and its texts sorted by what they are about.
pub(super) struct Case<'a> {
    ground: &'a Ground<'a>,
    bead: &'a Bead,
    /// Description and design without what is said of acceptance.
    story: String,
    acceptance: String,
    files: Vec<String>,
}

impl<'a> Case<'a> {
    pub(super) fn new(ground: &'a Ground<'a>, bead: &'a Bead) -> Self {
        let (under, rest) = text::apart(&text::plain(&bead.description), ACCEPTANCE);
        let acceptance = format!("{}\n{under}", text::plain(&bead.acceptance_criteria));
        let story = format!("{rest}\n{}", text::plain(&bead.design));
        Self { ground, bead, story, acceptance, files: bead.files() }
    }

    fn is_one_of(&self, types: &[&str]) -> bool {
        types.contains(&self.bead.issue_type.as_str())
    }

    /// Whether it is work with a result of its own.
    fn is_work(&self) -> bool {
        !self.is_one_of(&["epic", "decision"])
    }

    /// Said to `create`, or to `update` where the bead is there already.
    fn mend(&self, flags: &str) -> String {
        match self.bead.id.as_str() {
            "" => format!("add {flags}"),
            id => format!("git bead update {} {flags}", self.ground.beads.short(id)),
        }
    }
}

fn description(case: &Case<'_>) -> Option<Fault> {
    let is_empty = text::bare(&case.story).trim().is_empty();
    let mend = case.mend("--description 'what is wrong or missing, and why it matters'");
    is_empty.then(|| ("description", "says in its title alone what is to be done".to_owned(), mend))
}

fn acceptance(case: &Case<'_>) -> Option<Fault> {
    if case.is_one_of(&["decision"]) || !case.acceptance.trim().is_empty() {
        return None;
    }
    let mend = case.mend("--acceptance '- `COMMAND` exits with 0'");
    Some(("acceptance_criteria", "says nowhere how one sees that it is done".to_owned(), mend))
}

fn acceptance_command(case: &Case<'_>) -> Option<Fault> {
    let said = case.acceptance.trim();
    if !case.is_work() || said.is_empty() || text::has_command(said) {
        return None;
    }
    let mend = case.mend("--acceptance '- `COMMAND` exits with 0'");
    let what = "its acceptance names no command that a machine can run".to_owned();
    Some(("acceptance_criteria", what, mend))
}

fn steps(case: &Case<'_>) -> Option<Fault> {
    if !case.is_one_of(&["bug"]) || text::tells(&case.story, STEPS) {
        return None;
    }
    let what = "does not say how one makes the fault happen".to_owned();
    let mend = "add a section `## Steps to Reproduce` (git bead template bug)".to_owned();
    Some(("description", what, mend))
}

fn files(case: &Case<'_>) -> Option<Fault> {
    let named = || text::paths(&case.story).any(|path| case.ground.has(path));
    if !case.is_work() || !case.files.is_empty() || case.ground.tree.is_none() || named() {
        return None;
    }
    let what = "names no files of the repository that are its own".to_owned();
    Some(("files", what, case.mend("--files 'src/PART/**'")))
}

fn files_pattern(case: &Case<'_>) -> Option<Fault> {
    let no = case.files.iter().find_map(|file| Glob::new(file).err())?;
    Some(("files", no.what, case.mend("--files 'src/PART/**'")))
}

fn files_unmatched(case: &Case<'_>) -> Option<Fault> {
    case.ground.tree?;
    let globs = case.bead.globs();
    let missing =
        globs.iter().find(|glob| case.ground.count(glob, 1) == 0 && !is_made(case, glob))?;
    let what = format!("{} matches nothing on the target branch", missing.as_str());
    let mend = case.mend("--files 'PATTERN'");
    Some(("files", what, format!("{mend}, or say in the text that it makes that file")))
}

/// Whether a sentence of the bead says that the file is new.
fn is_made(case: &Case<'_>, glob: &Glob) -> bool {
    let start = glob.start();
    let name = match start.trim_end_matches('/') {
        "" => glob.as_str(),
        start => start.rsplit('/').next().unwrap_or(start),
    };
    let texts = [case.bead.title.as_str(), &case.story, &case.acceptance];
    texts.into_iter().flat_map(text::sentences).any(|sentence| {
        let makes = |word: &str| MAKES.contains(&word.to_lowercase().as_str());
        sentence.contains(name) && text::words(sentence).any(makes)
    })
}

fn files_shared(case: &Case<'_>) -> Option<Fault> {
    let (other, pattern) = case.ground.shared.of(&case.bead.id)?;
    let other = case.ground.beads.short(other);
    let what = format!("{pattern} is owned by {other}, too, and both can start now");
    let mend = match case.bead.id.as_str() {
        "" => format!("add --deps {other}, or take other files"),
        id => format!("git bead dep add {} {other}", case.ground.beads.short(id)),
    };
    Some(("files", what, mend))
}

/// What others build on, and what is new, meets others somewhere.
fn interface(case: &Case<'_>) -> Option<Fault> {
    let mut others = case.ground.beads.dependents(&case.bead.id);
    let is_waited_for = others.any(|(edge, other)| edge.kind.blocks() && !other.status.frees());
    if !case.is_work() || !(is_waited_for || case.is_one_of(&["feature"])) {
        return None;
    }
    let is_told = text::tells(&case.story, INTERFACES) || text::has_signature(&case.story);
    if is_told || !case.bead.spec_id.is_empty() {
        return None;
    }
    let what = "does not say what it offers to the rest, or uses of it".to_owned();
    let flags = "--design 'Offers: `NAME(ARGUMENTS) -> RESULT`'";
    Some(("design", what, case.mend(flags)))
}

fn output(case: &Case<'_>) -> Option<Fault> {
    let comes_out = |text: &str| {
        let is = |word: &str| COMES_OUT.contains(&word.to_lowercase().as_str());
        text::tells(text, OUTPUTS) || text::words(&text::bare(text)).any(is)
    };
    if !case.is_one_of(&["bug", "feature", "task"])
        || comes_out(&case.story)
        || comes_out(&case.acceptance)
    {
        return None;
    }
    let what =
        "does not say what comes out: what is printed, returned, written or changed".to_owned();
    let mend = "add a section `## Output` to the description (git bead template task)".to_owned();
    Some(("description", what, mend))
}

/// What the text says it waits for, and no dependency does.
fn hidden_wait(case: &Case<'_>) -> Option<Fault> {
    let bead = case.bead;
    let waits = bead.dependencies.iter().any(|edge| edge.kind.blocks());
    let is_known =
        |id: &str| id == bead.id || bead.dependencies.iter().any(|edge| edge.depends_on_id == id);
    for sentence in text::sentences(&case.story) {
        let lower = sentence.to_lowercase();
        let padded = format!(" {lower} ");
        if !WAITS.iter().any(|word| padded.contains(&format!(" {word} "))) {
            continue;
        }
        let named = text::words(sentence).filter_map(|word| bead_of(case, word));
        let named: Vec<_> = named.collect();
        let open = named.iter().find(|other| !other.status.frees() && !is_known(&other.id));
        let (what, to) = match open {
            Some(other) => {
                let short = case.ground.beads.short(&other.id);
                (format!("says that it waits for {short}, and no dependency does"), short)
            }
            None if named.is_empty() && !waits && is_of_work(&lower) => {
                let said = sentence.trim();
                (format!("waits for what no dependency names: {said:?}"), "OTHER")
            }
            None => continue,
        };
        let mend = match bead.id.as_str() {
            "" => format!("add --deps {to}"),
            id => format!("git bead dep add {} {to}", case.ground.beads.short(id)),
        };
        return Some(("dependencies", what, mend));
    }
    None
}

/// Whether a sentence speaks of other work and not of what a program waits for.
fn is_of_work(sentence: &str) -> bool {
    let words: Vec<_> = text::words(sentence).collect();
    let is_started = sentence.trim_start().starts_with("once ") || sentence.contains(" once ");
    words.iter().any(|word| WORK.contains(word) || word.starts_with('#'))
        || ((is_started || sentence.contains("after "))
            && words.iter().any(|word| ENDS.contains(word))
            && !sentence.contains('`'))
}

fn bead_of<'a>(case: &'a Case<'_>, word: &str) -> Option<&'a Bead> {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let is_short = word.len() >= 4 && has_digit && !word.contains(['.', '/', '#']);
    let beads = case.ground.beads;
    beads.get(word).or_else(|| is_short.then(|| beads.find(word).ok()).flatten())
}

fn size(case: &Case<'_>) -> Option<Fault> {
    let minutes = case.bead.estimated_minutes.filter(|minutes| *minutes > LONGEST_ESTIMATE);
    let patterns = case.files.len();
    let most = MOST_FILES + 1;
    let covers =
        || case.bead.globs().iter().map(|glob| case.ground.count(glob, most)).sum::<usize>();
    let length = case.story.chars().count();
    let (field, what) = if let Some(minutes) = minutes {
        let (is, most) = (minutes / 60, LONGEST_ESTIMATE / 60);
        ("estimated_minutes", format!("takes {is} hours by its estimate, and {most} are a day"))
    } else if !case.is_work() {
        return None;
    } else if patterns > MOST_PATTERNS {
        ("files", format!("owns {patterns} patterns of paths, and {MOST_PATTERNS} are many"))
    } else if covers() > MOST_FILES {
        ("files", format!("owns more than {MOST_FILES} files of the target branch"))
    } else if length > LONGEST_TEXT {
        ("description", format!("has {length} characters, and {LONGEST_TEXT} are a long story"))
    } else {
        return None;
    };
    let parent = match case.bead.id.as_str() {
        "" => "make it an epic".to_owned(),
        id => format!("git bead create 'PART' --parent {}", case.ground.beads.short(id)),
    };
    Some((field, what, format!("{parent}, and give each part some of it")))
}

fn two_jobs(case: &Case<'_>) -> Option<Fault> {
    let title = case.bead.title.to_lowercase();
    // Of two verbs with one object, the first stands alone.
    let is_job = |(before, after): (&str, &str)| {
        let mut words = text::words(after).filter(|word| !["also", "then"].contains(word));
        let is_whole = before.split_whitespace().nth(1).is_some();
        is_whole && words.next().is_some_and(|word| JOBS.contains(&word))
    };
    let mut signs = [" and ", " & ", "; ", " + "].into_iter();
    if !case.is_work() || !signs.any(|sign| title.split_once(sign).is_some_and(is_job)) {
        return None;
    }
    let what = "its title names two jobs".to_owned();
    Some(("title", what, case.mend("--title 'ONE OF THEM'") + ", and create a bead for the other"))
}
