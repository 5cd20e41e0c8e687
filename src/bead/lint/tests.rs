//! Each rule, held against beads that differ in one thing from one that lacks nothing.

use std::collections::BTreeSet;

use crate::bead::beads::tests::beads;
use crate::bead::event::{Link, New, NewLink};
use crate::bead::files;
use crate::bead::lint::{Ground, Shared, lint, rules, unborn};
use crate::ledger::Json;

const STORY: &str = "Tokens live for ever in src/auth/token.rs.\n## Output\nA new token.\n";
const BUG: &str = "Tokens live for ever.\n## Steps to Reproduce\n1. wait\n## Output\nA token.\n";

fn new() -> New {
    New {
        title: "Rotate tokens".to_owned(),
        issue_type: "task".to_owned(),
        description: STORY.to_owned(),
        acceptance_criteria: "- `cargo test auth` exits with 0".to_owned(),
        ..owning(New::default(), &["src/auth/**"])
    }
}

fn owning(new: New, names: &[&str]) -> New {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    New { set: [files::field(&names).unwrap()].into_iter().collect(), ..new }
}

fn said(text: &str) -> New {
    New { description: text.to_owned(), ..new() }
}

fn accepted(text: &str) -> New {
    New { acceptance_criteria: text.to_owned(), ..new() }
}

/// Accepted by what says nothing of what comes out.
fn silent(new: New) -> New {
    New { acceptance_criteria: "- `make -k test`".to_owned(), ..new }
}

fn typed(issue_type: &str, text: &str) -> New {
    New { issue_type: issue_type.to_owned(), ..said(text) }
}

fn titled(title: &str) -> New {
    New { title: title.to_owned(), ..new() }
}

fn lasting(minutes: u64) -> New {
    New { estimated_minutes: Some(minutes), ..new() }
}

fn after(text: &str, other: &str) -> New {
    let links = vec![NewLink { to: other.to_owned(), kind: Link::BLOCKS }];
    New { links, ..said(text) }
}

/// What another tool may have put there.
fn unread(pattern: &str) -> New {
    let files = Json::from(vec![pattern]);
    New { set: [(files::NAME.to_owned(), files)].into_iter().collect(), ..new() }
}

/// The rules that name it. `id` is its own where it is there already.
fn named(id: &str, new: &New) -> Vec<&'static str> {
    let all = beads(&[("b-1", &[]), ("b-2", &[(Link::BLOCKS, "b-1")]), ("b-3", &[])]);
    let mut tree: Vec<_> = (10..61).map(|n| format!("many/{n}.rs")).collect();
    tree.extend(["docs/a.md", "src/auth/token.rs", "src/http/server.rs"].map(str::to_owned));
    tree.sort();
    let mut bead = unborn(new.clone());
    bead.id = id.to_owned();
    let mut other = unborn(owning(New::default(), &["docs/**"]));
    other.id = "b-3".to_owned();
    let shared = Shared::among([&bead, &other].into_iter());
    let ground = Ground { beads: &all, tree: Some(&tree), shared: &shared };
    lint(&ground, &bead).into_iter().map(|finding| finding.rule).collect()
}

/// Beads, each with its id.
type Asked<'a> = &'a [(&'a str, New)];

/// Good ones are named by no rule at all, poor ones by theirs alone.
#[test]
fn each_rule_names_what_lacks_its_one_thing_and_nothing_else() {
    let patterns = |count: usize| {
        let starts = (0..=8).map(|end| format!("src/auth/{}*", &"token.rs"[..end]));
        let wide =
            ["src/*/token.rs", "src/**/token.rs", "src/auth/token.rs", "src/auth/**/token.rs"];
        let all: Vec<_> = starts.chain(wide.map(str::to_owned)).take(count).collect();
        owning(new(), &all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let long = |length: usize| said(&format!("{STORY}{}", "x".repeat(length - STORY.len() - 2)));
    let offers = "## Interfaces\nOffers: `rotate(token)`\n";
    let cases: [(&str, Asked<'_>, Asked<'_>); 13] = [
        (
            "description",
            &[("", new())],
            &[
                ("", New { acceptance_criteria: "`x --y` prints z".to_owned(), ..said("") }),
                (
                    "",
                    New {
                        acceptance_criteria: "`x --y` prints z".to_owned(),
                        ..said("<!-- why -->\n## Files\n")
                    },
                ),
            ],
        ),
        (
            "acceptance",
            &[
                ("", said(&format!("{STORY}## Acceptance\n`make test`"))),
                ("", New { acceptance_criteria: String::new(), ..typed("decision", "Which one?") }),
            ],
            &[("", accepted("")), ("", accepted("<!-- a command -->"))],
        ),
        (
            "acceptance-command",
            &[
                ("", accepted("$ anything")),
                ("", New { issue_type: "epic".to_owned(), ..accepted("all do it") }),
            ],
            &[("", accepted("tests")), ("", accepted("All tests pass"))],
        ),
        ("steps", &[("", typed("bug", BUG)), ("", new())], &[("", typed("bug", STORY))]),
        (
            "files",
            &[("", owning(said(STORY), &[])), ("", owning(typed("epic", "All of it"), &[]))],
            &[("", owning(said("All of it. ## Output: x\n## Output\nx"), &[]))],
        ),
        ("files-pattern", &[("", unread("src/auth/**"))], &[("", unread("/src/auth"))]),
        (
            "files-unmatched",
            &[("", owning(said(&format!("{STORY}It adds src/new.rs.")), &["src/new.rs"]))],
            &[
                ("", owning(new(), &["src/new.rs"])),
                ("", owning(new(), &["src/auth/**", "web/**"])),
            ],
        ),
        (
            "files-shared",
            &[("", owning(new(), &["src/http"]))],
            &[("", owning(new(), &["docs/a.md"]))],
        ),
        (
            "interface",
            &[
                ("", typed("feature", &format!("{STORY}{offers}"))),
                ("b-1", said(&format!("{STORY}{offers}"))),
                ("b-2", new()),
                ("", New { spec_id: "docs/a.md".to_owned(), ..typed("feature", STORY) }),
            ],
            &[("", typed("feature", STORY)), ("b-1", new())],
        ),
        (
            "output",
            &[
                ("", said("It prints a new token.")),
                ("", typed("chore", "Tokens live for ever.")),
                ("", accepted("`make test` says nothing")),
            ],
            &[
                ("", silent(said("Tokens live for ever."))),
                ("", silent(typed("bug", "Wrong.\n## Steps to Reproduce\n1. wait"))),
            ],
        ),
        (
            "hidden-wait",
            &[
                ("", after(&format!("{STORY}It waits for b-1."), "b-1")),
                ("", said(&format!("{STORY}The loop waits for a signal."))),
                ("", said(&format!("{STORY}It ends after a second."))),
            ],
            &[
                ("", said(&format!("{STORY}It waits for b-1."))),
                ("", after(&format!("{STORY}It waits for b-1."), "b-3")),
                ("", said(&format!("{STORY}Start once the other task is done."))),
            ],
        ),
        (
            "size",
            &[
                ("", lasting(480)),
                ("", patterns(12)),
                ("", owning(new(), &["many/1*"])),
                ("", long(8000)),
            ],
            &[
                ("", lasting(540)),
                ("", patterns(13)),
                ("", owning(new(), &["many/**"])),
                ("", long(8001)),
            ],
        ),
        (
            "two-jobs",
            &[
                ("", titled("Add and remove tokens")),
                ("", titled("Salt and hash")),
                ("", New { issue_type: "epic".to_owned(), ..titled("Rotate tokens and fix logs") }),
            ],
            &[
                ("", titled("Rotate tokens and fix logs")),
                ("", titled("Rotate tokens; then drop old ones")),
            ],
        ),
    ];
    for (rule, good, poor) in &cases {
        for (id, new) in *good {
            assert!(named(id, new).is_empty(), "{rule}: {:?} of {new:?}", named(id, new));
        }
        for (id, new) in *poor {
            assert_eq!(named(id, new), [*rule], "{new:?}");
        }
    }
    let held: BTreeSet<_> = cases.iter().map(|(rule, ..)| *rule).collect();
    let all: BTreeSet<_> = rules::RULES.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(held, all);
}
