//! Thirty beads as people write them, half of them good and half poor in one way each, and what is said of
//! them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::refinery::{drain, shop, submit, tree};
use crate::support::{Place, Sandbox};

/// What is in the tree that they are about.
const TREE: &[&str] = &[
    "ci/build.sh",
    "docs/api.md",
    "docs/guide.md",
    "migrations/0001_init.sql",
    "src/auth/session.rs",
    "src/auth/token.rs",
    "src/cli/main.rs",
    "src/http/routes.rs",
    "src/http/server.rs",
    "src/import/mod.rs",
    "src/invoice/sum.rs",
    "src/log/access.rs",
    "src/mail/send.rs",
    "src/parser/lexer.rs",
    "src/parser/tree.rs",
    "src/report/sum.rs",
    "src/report/table.rs",
    "src/retry/mod.rs",
    "src/search/names.rs",
    "src/store/cache.rs",
    "src/store/db.rs",
    "web/csv.ts",
    "web/form.ts",
    "web/list.ts",
    "web/undo.ts",
];

/// Each with its defect if it has one.
fn beads() -> Vec<Value> {
    let text = include_str!("stories/thirty-beads.jsonl");
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn poor(title: &str) -> Value {
    beads().into_iter().find(|told| told["title"] == title).unwrap()
}

fn floor(world: &Sandbox) -> Place<'_> {
    let repo = world.repo("api");
    for path in TREE {
        repo.write(path, "x\n");
    }
    repo.git("add .").ok();
    repo.git("commit -q -m tree").ok();
    repo
}

/// Writes it down; the first of all is known to the others as CSV.
fn create(repo: &Place<'_>, told: &Value, first: &str) -> String {
    let text = |name: &str| told[name].as_str().unwrap_or_default();
    let description = text("description").replace("on CSV", &format!("on {first}"));
    let mut argv = vec!["git", "bead", "create", text("title"), "-t", text("type"), "--silent"];
    argv.extend(["--description", &description, "--acceptance", text("acceptance")]);
    let more = told["more"].as_array().into_iter().flatten().filter_map(Value::as_str);
    argv.extend(more.map(|word| if word == "CSV" { first } else { word }));
    repo.run(argv).ok().line()
}

fn rules(of: &Value) -> Vec<&str> {
    let findings = of["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["rule"].as_str().unwrap()).collect()
}

#[test]
fn of_thirty_beads_each_poor_one_is_named_for_its_defect_and_no_good_one_is_named() {
    let world = Sandbox::new();
    let repo = floor(&world);
    let mut first = String::new();
    let all = beads();
    for told in &all {
        let id = create(&repo, told, &first);
        if first.is_empty() {
            first = id;
        }
    }
    let said = repo.git("bead lint --json").fails(3).json();
    let found: BTreeMap<_, _> = said["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["title"].as_str().unwrap(), rules(it)))
        .collect();
    let poor = all
        .iter()
        .filter_map(|told| Some((told["title"].as_str()?, vec![told["defect"].as_str()?])));
    let wanted: BTreeMap<_, _> = poor.collect();
    assert_eq!(found, wanted);
    let counts = ["checked", "issues", "total"].map(|name| said[name].as_u64().unwrap());
    assert_eq!(counts, [30, 15, 15]);
    let told = repo.git(&format!("bead lint {first}")).ok();
    assert_eq!(
        (told.out.as_str(), told.err.as_str()),
        ("", "0 of 1 could not be done without asking\n")
    );
}

#[test]
fn what_is_to_be_mended_is_told_with_the_command_and_is_mended_by_it() {
    let world = Sandbox::new();
    let repo = floor(&world);
    let id = create(&repo, &poor("It starts faster"), "");
    let short = &id[..8];
    let told = repo.git("bead lint --ready").fails(3);
    assert_eq!(
        told.out,
        format!(
            "{short}  task  It starts faster\n    acceptance-command: its acceptance names no command that a \
             machine can run\n      git bead update {short} --acceptance '- `COMMAND` exits with 0'\n"
        )
    );
    assert_eq!(told.err, "1 of 1 could not be done without asking\n");
    repo.sh(&format!("git bead update {short} --acceptance '- `cargo test` exits with 0'")).ok();
    repo.git("bead lint").ok();
    repo.git("bead lint nothing").fails(1);
}

#[test]
fn what_would_be_named_is_not_written_down_where_that_is_asked_for() {
    let world = Sandbox::new();
    let repo = floor(&world);
    create(&repo, &poor("Invoices name the customer"), "");
    let no = repo
        .run(["git", "bead", "create", "Round", "--validate", "--files", "src/invoice/sum.rs"])
        .fails(3);
    assert_eq!(no.out, "");
    no.says(&[
        "description: says in its title alone",
        "acceptance: ",
        "files-shared: src/invoice/sum.rs",
        "add --deps",
    ]);
    let count = || repo.json("bead count --json")["count"].as_u64().unwrap();
    assert_eq!(count(), 1);
    let form = repo.git("bead template bug").ok().out;
    repo.write("story.md", &form);
    let argv = [
        "git",
        "bead",
        "create",
        "Sums are off",
        "-t",
        "bug",
        "--validate",
        "--body-file",
        "story.md",
    ];
    repo.run(argv).fails(3).says(&["description: ", "acceptance: ", "steps: ", "output: "]);
    let filled = form
        .replace("<!-- what goes wrong, and for whom -->", "The last row is left out.")
        .replace("<!-- from nothing to the fault, each step a line -->", "1. `api sum a.csv`")
        .replace("<!-- what should come out instead -->", "The sum of all rows.")
        .replace("<!-- paths in the repository; --files claims them -->", "src/report/sum.rs")
        .replace(
            "<!-- each a command and how it ends: - `make test` exits with 0 -->",
            "- `cargo test sums`",
        );
    repo.write("story.md", filled);
    repo.run(argv).ok();
    assert_eq!(count(), 2);
    for kind in ["task", "epic", "decision", "spike"] {
        assert!(repo.git(&format!("bead template {kind}")).ok().out.contains("<!-- "));
    }
}

#[test]
fn a_type_has_the_template_that_the_repository_has_for_it() {
    let world = Sandbox::new();
    let repo = world.repo("api");
    let spike = "<!-- the question -->\n\n## Ends by\n";
    repo.write(".shopfloor/templates/spike.md", spike);
    repo.write(".shopfloor/templates/bug.md", "Which version?\n");
    let known = json!([
        {"type": "bug", "own": true},
        {"type": "decision", "own": false},
        {"type": "epic", "own": false},
        {"type": "spike", "own": true},
        {"type": "task", "own": false},
    ]);
    assert_eq!(repo.json("bead template --json"), known);
    let listed = repo.git("bead template").ok().out;
    assert!(listed.starts_with("bug  .shopfloor/templates/bug.md\ndecision\n"), "{listed}");
    assert_eq!(repo.git("bead template investigation").ok().out, spike);
    assert_eq!(repo.git("bead template bug").ok().out, "Which version?\n");
    let said = |words: &str| {
        let id = repo.git(&format!("bead create {words} --silent")).ok().line();
        repo.json(&format!("bead show {id} --json"))[0]["description"].clone()
    };
    assert_eq!(said("Faster -t spike"), spike);
    assert_eq!(said("Slower -t spike -d mine"), "mine");
    assert_eq!(said("Plain"), Value::Null);
    assert_eq!(said("Odd -t ../templates/bug"), Value::Null);
    // A clone must not say which file of this machine is told to everybody.
    repo.sh("echo secret >../key && ln -s ../../../key .shopfloor/templates/task.md").ok();
    repo.git("bead create Leak").fails(128).says(&["task.md is behind a link"]);
    repo.sh("rm -r .shopfloor && mkdir ../there && echo secret >../there/task.md").ok();
    repo.sh("mkdir .shopfloor && ln -s ../../there .shopfloor/templates").ok();
    repo.git("bead create Leak").fails(128).says(&["task.md is behind a link"]);
}

/// A change of this bead, in a work tree of its own.
fn change(repo: &Place<'_>, bead: &str, path: &str, text: &str) {
    repo.git(&format!("bead update {bead} --claim")).ok();
    let work = tree(repo, &format!("for-{bead}"), "main");
    work.commit(path, text, &format!("Change {path}\n\nBead: {bead}\n")).ok();
    submit(&work);
    drain(repo);
}

#[test]
fn how_well_work_is_written_down_is_told_by_what_became_of_it() {
    let world = Sandbox::new();
    let repo = shop(&world);
    let nothing = repo.json("bead stats --design --json")["design"]["backlog"].clone();
    assert_eq!(nothing, json!({"open": 0, "landed_lately": 0, "hours": null}));
    let fit = |path: &str| {
        let description = format!("Add the file {path}, which says who did it.");
        let argv = ["git", "bead", "create", path, "--description", &description, "--files", path];
        repo.run(argv.into_iter().chain(["--acceptance", "`sh test.sh`", "--validate", "--silent"]))
            .ok()
            .line()
    };
    let (one, poor) = (fit("a"), repo.bead("Sums"));
    fit("b");
    change(&repo, &one, "a", "Jane\n");
    change(&repo, &poor, "sum", "3\n");
    let work = repo.at(format!("../for-{poor}"));
    work.commit("sum", "4 at last\n", &format!("Sum up\n\nBead: {poor}\n")).ok();
    submit(&work);
    drain(&repo);
    let design = repo.json("bead stats --design --json")["design"].clone();
    let groups = json!([
        {"findings": 0, "landed": 1, "first_time": 1, "share": 1.0},
        {"findings": 1, "landed": 0, "first_time": 0, "share": null},
        {"findings": 2, "landed": 0, "first_time": 0, "share": null},
        {"findings": 3, "landed": 1, "first_time": 0, "share": 0.0},
    ]);
    assert_eq!(design["by_findings"], groups);
    assert_eq!(design["backlog"], json!({"open": 1, "landed_lately": 2, "hours": 0.5}));
    assert_eq!([&design["created_per_day"], &design["passing_per_day"]], [3.0, 2.0]);
    let said = repo.git("bead stats --design").ok().out;
    let (_, design) = said.split_once("Design\n").unwrap();
    assert_eq!(
        design,
        "  written a day                              3.0\n  \
           of them fit to be done without asking      2.0\n  \
           backlog                                    1 open, 0.5 hours at the rate of the last 7 days\n  \
           landed first time with 0 findings          1 of 1 (100 %)\n  \
           landed first time with 1 findings          none landed\n  \
           landed first time with 2 findings          none landed\n  \
           landed first time with 3 or more findings  0 of 1 (0 %)\n"
    );
}
