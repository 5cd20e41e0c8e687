//! Git's configuration as this command was given it: files, `-c` options and environment together.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::bail;
use gix::bstr::{BStr, ByteSlice as _};

use super::object::fields;
use super::{Git, Repo};
use crate::host::Clock;

/// How long to wait for another process that writes the same file.
const PATIENCE: Duration = Duration::from_secs(5);

/// All settings that apply here, in the order in which later ones win.
#[derive(Debug, Default)]
pub(super) struct Settings(Vec<(String, String)>);

/// Which file a setting is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The file all work trees share.
    Local,
    /// The file of one work tree, by its path.
    Worktree(PathBuf),
}

/// A remote as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    pub name: String,
    pub url: String,
    pub push_urls: Vec<String>,
}

impl Repo {
    /// The value that wins.
    pub fn config_get(&self, key: &str) -> anyhow::Result<Option<String>> {
        Ok(self.config_all(key)?.pop())
    }

    pub fn config_all(&self, key: &str) -> anyhow::Result<Vec<String>> {
        let wanted = normal(key);
        let settings = self.all_settings()?;
        Ok(settings
            .0
            .iter()
            .filter(|(key, _)| *key == wanted)
            .map(|(_, value)| value.clone())
            .collect())
    }

    /// Yes or no in any of git's spellings.
    pub fn config_bool(&self, key: &str) -> anyhow::Result<Option<bool>> {
        let Some(value) = self.config_get(key)? else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Some(true)),
            "false" | "no" | "off" | "0" | "" => Ok(Some(false)),
            _ => bail!("git config {key} is {value:?}, not true or false"),
        }
    }

    fn all_settings(&self) -> anyhow::Result<Rc<Settings>> {
        if let Some(known) = self.settings.borrow().as_ref() {
            return Ok(Rc::clone(known));
        }
        let read = Rc::new(self.read_settings()?);
        *self.settings.borrow_mut() = Some(Rc::clone(&read));
        Ok(read)
    }

    /// The remotes, in the order in which they are configured.
    pub fn remotes(&self) -> anyhow::Result<Vec<Remote>> {
        let mut found: Vec<Remote> = Vec::new();
        for (key, value) in &self.all_settings()?.0 {
            let Some((name, what)) =
                key.strip_prefix("remote.").and_then(|rest| rest.rsplit_once('.'))
            else {
                continue;
            };
            if !matches!(what, "url" | "pushurl") {
                continue;
            }
            let at = found.iter().position(|remote| remote.name == name).unwrap_or(found.len());
            if at == found.len() {
                found.push(Remote { name: name.to_owned(), ..Remote::default() });
            }
            let Some(remote) = found.get_mut(at) else { continue };
            match what {
                "pushurl" => remote.push_urls.push(value.clone()),
                _ if remote.url.is_empty() => remote.url.clone_from(value),
                _ => {}
            }
        }
        Ok(found.into_iter().filter(|remote| !remote.url.is_empty()).collect())
    }

    /// A configuration file was changed by other means: what was read of it is forgotten.
    pub fn config_changed(&self) {
        self.settings.replace(None);
        self.config_written.set(true);
    }

    /// Sets a key to one value, in place of all it had in that file.
    pub fn config_set(&self, scope: &Scope, key: &str, value: &str) -> anyhow::Result<()> {
        if matches!(scope, Scope::Worktree(_)) {
            self.allow_worktree_config()?;
        }
        self.write_setting(scope, &["--replace-all", key, value])
    }

    /// Adds a value to those a key has in that file.
    pub fn config_add(&self, scope: &Scope, key: &str, value: &str) -> anyhow::Result<()> {
        if matches!(scope, Scope::Worktree(_)) {
            self.allow_worktree_config()?;
        }
        self.write_setting(scope, &["--add", key, value])
    }

    /// Removes all values of a key from that file; there may be none.
    pub fn config_unset(&self, scope: &Scope, key: &str) -> anyhow::Result<()> {
        if matches!(scope, Scope::Worktree(_))
            && self.config_bool("extensions.worktreeConfig")? != Some(true)
        {
            return Ok(());
        }
        self.write_setting(scope, &["--unset-all", key])
    }

    /// Where git looks for the hooks of the work tree at `path`.
    pub fn hooks_dir(&self, path: &Path) -> anyhow::Result<PathBuf> {
        // With --git-path git applies core.hooksPath as it does when it runs a hook.
        let dir = self.git(["rev-parse", "--git-path", "hooks"]).at(path).hooks().text()?;
        Ok(path.join(dir))
    }

    /// Gives each work tree a file of its own. What must not be shared then moves to the main one's, as
    /// git does it.
    fn allow_worktree_config(&self) -> anyhow::Result<()> {
        if self.config_bool("extensions.worktreeConfig")? == Some(true) {
            return Ok(());
        }
        let main = self.common_dir().join("config.worktree");
        let shared = self.common_dir().join("config");
        let bare = self.file_setting(&shared, "core.bare")?.filter(|value| value == "true");
        let work_tree = self.file_setting(&shared, "core.worktree")?;
        let moved = [("core.bare", bare), ("core.worktree", work_tree)];
        let moved = || moved.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?)));
        // In this order there is no moment at which the main one is without them.
        for (key, value) in moved() {
            self.write_patiently(|| self.git(["config", "--file"]).arg(&main).args([key, value]))?;
        }
        self.write_setting(&Scope::Local, &["extensions.worktreeConfig", "true"])?;
        for (key, _) in moved() {
            let unset = || self.git(["config", "--file"]).arg(&shared).args(["--unset-all", key]);
            self.write_patiently(unset)?;
        }
        Ok(())
    }

    fn file_setting(&self, file: &Path, key: &str) -> anyhow::Result<Option<String>> {
        let done = self.git(["config", "--file"]).arg(file).args(["--get", key]).run()?;
        Ok((done.code == 0).then(|| String::from_utf8_lossy(&done.out).trim_end().to_owned()))
    }

    fn write_setting(&self, scope: &Scope, args: &[&str]) -> anyhow::Result<()> {
        self.write_patiently(|| match scope {
            Scope::Local => self.git(["config", "--local"]).args(args),
            Scope::Worktree(path) => self.git(["config", "--worktree"]).args(args).at(path),
        })
    }

    /// Git does not wait for the lock of a config file; we do.
    fn write_patiently<'r>(&'r self, make: impl Fn() -> Git<'r>) -> anyhow::Result<()> {
        let (begun, clock) = (Instant::now(), Clock::real());
        self.config_changed();
        loop {
            let git = make();
            let call = git.call();
            let done = git.run()?;
            match done.code {
                // 5: there was nothing to remove.
                0 | 5 => return Ok(()),
                _ if done.err.contains("could not lock config file")
                    && done.err.contains("File exists")
                    && begun.elapsed() < PATIENCE =>
                {
                    clock.sleep(Duration::from_millis(20));
                }
                _ => return Err(call.failed(&done)),
            }
        }
    }

    fn read_settings(&self) -> anyhow::Result<Settings> {
        let given = ["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"]
            .iter()
            .any(|key| self.env().get(key).is_some());
        if given || self.config_written.get() {
            self.settings_from_git()
        } else {
            Ok(self.settings_from_files())
        }
    }

    /// Git alone knows how it quotes `-c` options for its children, and what was just written.
    fn settings_from_git(&self) -> anyhow::Result<Settings> {
        let passed = self.env().iter().filter(|(key, _)| key.starts_with("GIT_CONFIG_"));
        let git = self.git(["config", "--list", "-z"]).here().unhardened();
        let git = passed.fold(git, |git, (key, value)| git.env(key, value));
        let out = git.bytes()?;
        let pairs = fields(&out).map(|field| {
            let text = field.to_str_lossy();
            let (key, value) = text.split_once('\n').unwrap_or((text.as_ref(), "true"));
            (key.to_owned(), value.to_owned())
        });
        Ok(Settings(pairs.collect()))
    }

    fn settings_from_files(&self) -> Settings {
        let mut settings = Vec::new();
        let snapshot = self.handle().config_snapshot();
        for section in snapshot.plumbing().sections() {
            let header = section.header();
            let start = match header.subsection_name() {
                Some(sub) => format!("{}.{sub}", lower(header.name())),
                None => lower(header.name()),
            };
            let body = section.body();
            let mut names: Vec<String> =
                body.value_names().map(|name| name.to_ascii_lowercase()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let mut values = body.values(&name);
                // A name without `=` is git's short way to say true.
                if let (Some(None), Some(last)) = (body.value_implicit(&name), values.last_mut()) {
                    *last = "true".into();
                }
                settings.extend(
                    values.iter().map(|value| {
                        (format!("{start}.{name}"), value.to_str_lossy().into_owned())
                    }),
                );
            }
        }
        Settings(settings)
    }
}

fn lower(name: &BStr) -> String {
    name.to_str_lossy().to_ascii_lowercase()
}

/// The key as settings are kept: section and name in lower case, what is between as it is.
fn normal(key: &str) -> String {
    match (key.find('.'), key.rfind('.')) {
        (Some(first), Some(last)) if first < last => {
            let (section, rest) = key.split_at(first);
            let (middle, name) = rest.split_at(last - first);
            format!("{}{middle}{}", section.to_ascii_lowercase(), name.to_ascii_lowercase())
        }
        _ => key.to_ascii_lowercase(),
    }
}
