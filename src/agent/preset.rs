//! Command lines of known agent programs, as data. A table in the configuration names one with
//! `preset`, or gives a `command` of its own.

use std::path::Path;

use indexmap::IndexMap;

use crate::agent::program;
use crate::host::Environment;
use crate::policy::{AgentSpec, Prompt};
use crate::refusal::Refusal;

struct Preset {
    name: &'static str,
    program: &'static str,
    /// What trailers call it, also when a person has started it by hand.
    tool: &'static str,
    args: &'static [&'static str],
    /// How this program is told a model.
    model: Option<&'static str>,
    /// What stands directly before the prompt.
    last: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

/// Headless runs that never ask: nobody is there to answer.
const PRESETS: &[Preset] = &[
    Preset {
        name: "claude",
        program: "claude",
        tool: "claude-code",
        args: &["--permission-mode", "bypassPermissions"],
        model: Some("--model"),
        last: &["-p"],
        env: &[],
    },
    Preset {
        name: "codex",
        program: "codex",
        tool: "codex",
        // Its narrower sandboxes make the repository's git directory read-only.
        args: &["exec", "--sandbox", "danger-full-access"],
        model: Some("--model"),
        last: &[],
        env: &[],
    },
    Preset {
        name: "gemini",
        program: "gemini",
        tool: "gemini-cli",
        args: &["--approval-mode", "yolo"],
        model: Some("--model"),
        last: &["-p"],
        env: &[],
    },
    Preset {
        name: "opencode",
        program: "opencode",
        tool: "opencode",
        args: &["run"],
        model: Some("--model"),
        last: &[],
        env: &[("OPENCODE_PERMISSION", r#"{"*":"allow"}"#)],
    },
    Preset {
        name: "copilot",
        program: "copilot",
        tool: "copilot",
        args: &["--allow-all-tools", "--no-ask-user"],
        model: Some("--model"),
        last: &["-p"],
        env: &[],
    },
    Preset {
        name: "cursor",
        program: "cursor-agent",
        tool: "cursor",
        args: &["--force"],
        model: Some("--model"),
        last: &["-p"],
        env: &[],
    },
    Preset {
        name: "amp",
        program: "amp",
        tool: "amp",
        args: &["--dangerously-allow-all"],
        model: None,
        last: &["-x"],
        env: &[],
    },
    Preset {
        name: "qwen",
        program: "qwen",
        tool: "qwen",
        args: &["--yolo"],
        model: Some("--model"),
        last: &["-p"],
        env: &[],
    },
    Preset {
        name: "goose",
        program: "goose",
        tool: "goose",
        args: &["run", "--no-session"],
        model: Some("--model"),
        last: &["-t"],
        env: &[("GOOSE_MODE", "auto")],
    },
    Preset {
        name: "aider",
        program: "aider",
        tool: "aider",
        args: &["--yes-always", "--auto-commits", "--git-commit-verify"],
        model: Some("--model"),
        last: &["--message"],
        env: &[],
    },
];

/// Programs that commit but cannot be told to push: the push is made when they have finished.
const PUSHED_FOR: &[&str] = &["aider"];

/// A table of the configuration with its preset filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Without the prompt.
    pub(crate) argv: Vec<String>,
    pub(crate) prompt: Prompt,
    pub(crate) env: IndexMap<String, String>,
    /// What trailers call the tool.
    pub(crate) tool: String,
    pub(crate) model: Option<String>,
}

/// What trailers call the programs that people also start by hand.
pub(crate) fn tools() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().flat_map(|preset| [preset.name, preset.tool]).chain(program::names())
}

/// The names that `preset` may have.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// The programs of presets that are installed here, for a person who has not decided yet.
pub(crate) fn installed(env: &Environment) -> Vec<&'static str> {
    let here = PRESETS.iter().filter(|preset| env.path_of(preset.program).is_some());
    here.map(|preset| preset.name).collect()
}

/// What to start for the agents of this table. Refuses when it names nothing that can be started.
pub(crate) fn launch(table: &str, spec: &AgentSpec, env: &Environment) -> Result<Launch, Refusal> {
    let launch = resolve(table, spec)?;
    let program = spec.preset.as_deref().filter(|_| spec.command.is_empty()).and_then(program_of);
    let program = program.or_else(|| launch.argv.first().map(String::as_str)).unwrap_or_default();
    let path = Path::new(program);
    let missing = if path.components().count() == 1 {
        env.path_of(program).is_none()
    } else {
        path.is_absolute() && !path.exists()
    };
    if missing {
        return Err(Refusal::refused(format!(
            "agent {table}: the program `{program}` is not installed"
        ))
        .hint(format!("install it, or set `command = [...]` in [agents.{table}]")));
    }
    Ok(launch)
}

fn program_of(preset: &str) -> Option<&'static str> {
    PRESETS.iter().find(|one| one.name == preset).map(|one| one.program)
}

fn resolve(table: &str, spec: &AgentSpec) -> Result<Launch, Refusal> {
    if let Some(program) = spec.command.first() {
        let file = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
        return Ok(Launch {
            argv: spec.command.clone(),
            prompt: spec.prompt,
            env: spec.env.clone(),
            tool: tool(spec).or(file).unwrap_or_default(),
            model: spec.model.clone(),
        });
    }
    let Some(wanted) = &spec.preset else {
        return Err(Refusal::usage(format!("agent {table} has neither `command` nor `preset`"))
            .hint(format!(
                "[agents.{table}] needs command = [\"./my-agent.sh\"] or preset = \"claude\""
            )));
    };
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == wanted) else {
        let known: Vec<_> = names().collect();
        return Err(Refusal::usage(format!("agent {table}: no preset is called `{wanted}`"))
            .hint(format!("there are {}", known.join(", "))));
    };
    let mut env: IndexMap<String, String> =
        preset.env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    env.extend(spec.env.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(Launch {
        argv: preset.argv(spec.model.as_deref()),
        prompt: Prompt::Arg,
        env,
        tool: tool(spec).unwrap_or_default(),
        model: spec.model.clone(),
    })
}

/// As the table says itself, else as everybody calls what its preset starts.
fn tool(spec: &AgentSpec) -> Option<String> {
    let preset = spec.preset.as_deref();
    let known = PRESETS.iter().find(|one| Some(one.name) == preset).map(|one| one.tool);
    spec.tool.as_deref().or(known).or(preset).map(str::to_owned)
}

impl Preset {
    fn argv(&self, model: Option<&str>) -> Vec<String> {
        let model = self.model.zip(model).map(|(flag, model)| [flag, model]);
        let words = [self.program].into_iter().chain(self.args.iter().copied());
        let words = words.chain(model.into_iter().flatten()).chain(self.last.iter().copied());
        let words: Vec<String> = words.map(str::to_owned).collect();
        if !PUSHED_FOR.contains(&self.name) {
            return words;
        }
        let script =
            r#"prompt=$1; shift; "$@" "$prompt" && git push origin "HEAD:$SHOPFLOOR_TARGET""#;
        let mut shell: Vec<String> =
            ["sh", "-c", script, self.program, "{prompt}"].map(str::to_owned).to_vec();
        shell.extend(words);
        shell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(preset: Option<&str>, command: &[&str], model: Option<&str>) -> AgentSpec {
        AgentSpec {
            preset: preset.map(str::to_owned),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            model: model.map(str::to_owned),
            ..AgentSpec::default()
        }
    }

    #[test]
    fn a_preset_becomes_a_command_line() {
        let argv =
            |preset, model| resolve("x", &spec(Some(preset), &[], model)).unwrap().argv.join(" ");
        assert_eq!(
            argv("claude", Some("opus")),
            "claude --permission-mode bypassPermissions --model opus -p"
        );
        assert_eq!(argv("codex", None), "codex exec --sandbox danger-full-access");
        assert_eq!(argv("goose", None), "goose run --no-session -t");
        for name in names() {
            assert!(resolve("x", &spec(Some(name), &[], None)).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_command_wins_over_its_preset_and_the_tool_has_a_name() {
        let tool =
            |preset, command: &[&str]| resolve("x", &spec(preset, command, None)).unwrap().tool;
        assert_eq!(tool(None, &["./agents/my-agent.sh", "-v"]), "my-agent.sh");
        assert_eq!(tool(Some("claude"), &["/opt/wrap"]), "claude-code");
        assert_eq!(tool(Some("cursor"), &[]), "cursor");
    }

    #[test]
    fn a_program_has_one_name_whoever_started_it() {
        let by_hand: Vec<_> = program::names().collect();
        let alone: Vec<_> =
            PRESETS.iter().map(|one| one.tool).filter(|tool| !by_hand.contains(tool)).collect();
        assert_eq!(alone, ["qwen"], "which leaves no sign");
    }

    #[test]
    fn neither_command_nor_known_preset_is_refused() {
        assert!(resolve("x", &spec(None, &[], None)).is_err());
        let no = resolve("x", &spec(Some("cluade"), &[], None)).unwrap_err();
        assert_eq!(no.what, "agent x: no preset is called `cluade`");
    }
}
