//! Every `git` we start: its arguments, its environment, its deadline. Nothing that the caller's
//! environment or the repository's hooks say reaches it unless a builder lets it in.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::call::{Call, DEADLINE, Done};
use super::{Oid, Repo};
use crate::host::process::{End, Program};
use crate::refusal::Refusal;

/// What the person's environment may say to every `git`.
const KEPT: &[&str] = &[
    "HOME",
    "XDG_CONFIG_HOME",
    "USER",
    "LOGNAME",
    "TERM",
    "TZ",
    "TMPDIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_DEFAULT_HASH",
];

/// What it may say beyond that to a `git` that talks to a remote. Of what is not git's own all goes
/// through there: nobody can tell what a credential helper or an ssh proxy needs.
const KEPT_FOR_NETWORK: &[&str] = &[
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_NO_VERIFY",
    "GIT_PROXY_COMMAND",
    "GIT_CONFIG_PARAMETERS",
];

const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.fsync=all",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
    "advice.detachedHead=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
];

/// Where the child looks for its repository.
enum Place {
    GitDir(PathBuf),
    WorkTree(PathBuf),
}

/// A `git` about to run.
pub struct Git<'r> {
    repo: &'r Repo,
    args: Vec<OsString>,
    globals: Vec<OsString>,
    settings: Vec<String>,
    env: Vec<(String, OsString)>,
    place: Place,
    input: Vec<u8>,
    network: bool,
    unhardened: bool,
}

impl Repo {
    /// A `git` on the shared part of the repository: refs, objects, config. `HEAD` is the main work
    /// tree's there; [`Git::here`] means this work tree's, [`Git::at`] another one's.
    pub fn git<I: IntoIterator<Item = impl AsRef<OsStr>>>(&self, args: I) -> Git<'_> {
        Git {
            repo: self,
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            globals: Vec::new(),
            settings: Vec::new(),
            env: Vec::new(),
            place: Place::GitDir(self.common_dir().to_owned()),
            input: Vec::new(),
            network: false,
            unhardened: false,
        }
    }

    pub(super) fn git_program(&self) -> anyhow::Result<PathBuf> {
        let found = self.env().path_of("git");
        Ok(found
            .ok_or_else(|| Refusal::fatal("no git on PATH").hint("install git 2.38 or later"))?)
    }
}

impl<'r> Git<'r> {
    /// In the work tree at `path`, with its own index and `HEAD`.
    pub fn at(mut self, path: &Path) -> Self {
        self.place = Place::WorkTree(path.to_owned());
        self
    }

    /// With this work tree's own `HEAD`, without touching its files.
    pub fn here(self) -> Self {
        let own = self.repo.git_dir().to_owned();
        self.of(&own)
    }

    /// With the `HEAD` of the work tree whose git directory this is, whether its files are there or not.
    pub fn of(mut self, git_dir: &Path) -> Self {
        self.place = Place::GitDir(git_dir.to_owned());
        self
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<I: IntoIterator<Item = impl AsRef<OsStr>>>(self, args: I) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    pub fn env(mut self, key: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// One setting, as `key=value`, for this child alone.
    pub fn config(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// One of git's own options, before the verb.
    pub(super) fn global(mut self, option: impl Into<OsString>) -> Self {
        self.globals.push(option.into());
        self
    }

    /// With the person's credentials and agents: for what talks to a remote, and for checkouts, which
    /// may have to fetch large files.
    pub fn network(mut self) -> Self {
        self.network = true;
        self
    }

    /// Without any setting of ours, to ask what is configured.
    pub(super) fn unhardened(mut self) -> Self {
        self.unhardened = true;
        self
    }

    /// Runs it to its end, whatever the exit code.
    pub fn run(self) -> anyhow::Result<Done> {
        let call = self.call();
        let outcome = self.program()?.run();
        tracing::debug!(%call, ms = outcome.took.as_millis(), "git");
        let err = String::from_utf8_lossy(&outcome.err).trim_end().to_owned();
        match outcome.end {
            End::Exit(code) => Ok(Done { code, out: outcome.out, err }),
            End::Signal(signal) => Err(call.cut_short(&format!("ended by signal {signal}"))),
            End::Timeout => {
                Err(call.cut_short(&format!("no end after {} s", outcome.took.as_secs())))
            }
            End::NotStarted(why) => Err(call.cut_short(&why)),
        }
    }

    /// What it says, without the white space at the end. An exit code but 0 is an error.
    pub fn text(self) -> anyhow::Result<String> {
        let out = self.bytes()?;
        Ok(String::from_utf8_lossy(&out).trim_end().to_owned())
    }

    /// What it says, byte for byte.
    pub fn bytes(self) -> anyhow::Result<Vec<u8>> {
        let call = self.call();
        let done = self.run()?;
        if done.code == 0 { Ok(done.out) } else { Err(call.failed(&done)) }
    }

    pub fn ok(self) -> anyhow::Result<()> {
        self.bytes().map(drop)
    }

    /// Yes for exit code 0, no for 1; anything else is an error.
    pub(super) fn succeeds(self) -> anyhow::Result<bool> {
        let call = self.call();
        let done = self.run()?;
        match done.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(call.failed(&done)),
        }
    }

    /// The one object it names: none for exit code 1, an error for any other but 0.
    pub(super) fn answer(self) -> anyhow::Result<Option<Oid>> {
        let call = self.call();
        let done = self.run()?;
        match done.code {
            0 => String::from_utf8_lossy(&done.out).trim().parse().map(Some),
            1 => Ok(None),
            _ => Err(call.failed(&done)),
        }
    }

    /// What is called here, for the message if it fails.
    pub(super) fn call(&self) -> Call<'r> {
        Call::new(self.repo, &self.args, !self.network)
    }

    fn program(self) -> anyhow::Result<Program> {
        let env = self.repo.env();
        let mut program = Program::new(self.repo.git_program()?).clear_env().timeout(DEADLINE);
        let kept = |key: &str| {
            let open = !key.starts_with("GIT_") || KEPT_FOR_NETWORK.contains(&key);
            KEPT.contains(&key) || (self.network && open)
        };
        for (key, value) in env.iter().filter(|(key, _)| kept(key)) {
            program = program.env(key, value);
        }
        for (key, value) in [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_PAGER", "cat"),
            ("GIT_EDITOR", "false"),
        ] {
            program = program.env(key, value);
        }
        program = program.env("PATH", env.search_path());
        program = program.env(
            "GIT_ALLOW_PROTOCOL",
            env.get("GIT_ALLOW_PROTOCOL").unwrap_or("file:git:http:https:ssh"),
        );
        if !self.network {
            program = program.env("GIT_LFS_SKIP_SMUDGE", "1");
        }
        let mut args: Vec<OsString> = Vec::new();
        let dir = match self.place {
            Place::GitDir(dir) => {
                args.push(join("--git-dir=", &dir));
                dir
            }
            Place::WorkTree(dir) => {
                if self.repo.vouched {
                    args.extend(["-c".into(), join("safe.directory=", &dir)]);
                }
                // A directory that is no longer a work tree must not lead to the one around it.
                program = program.env("GIT_CEILING_DIRECTORIES", dir.parent().unwrap_or(&dir));
                dir
            }
        };
        args.extend(self.globals);
        let no_hooks = (!self.unhardened).then(|| "core.hooksPath=/dev/null".to_owned());
        let fixed =
            SETTINGS.iter().filter(|_| !self.unhardened).map(|setting| (*setting).to_owned());
        for setting in fixed.chain(no_hooks).chain(self.settings) {
            args.extend(["-c".into(), setting.into()]);
        }
        args.extend(self.args);
        let program =
            self.env.into_iter().fold(program, |program, (key, value)| program.env(key, value));
        Ok(program.dir(dir).args(args).input(self.input))
    }
}

fn join(start: &str, path: &Path) -> OsString {
    let mut whole = OsString::from(start);
    whole.push(path);
    whole
}
