//! Git's configuration as this command was given it: files, `-c` options and environment together.

use std::rc::Rc;

use anyhow::bail;
use gix::bstr::{BStr, ByteSlice as _};

use super::Repo;
use super::object::fields;

/// All settings that apply here, in the order in which later ones win.
#[derive(Debug, Default)]
pub(super) struct Settings(Vec<(String, String)>);

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
                // As of git 2.46 an empty one begins the list anew.
                "pushurl" if value.is_empty() => remote.push_urls.clear(),
                "pushurl" => remote.push_urls.push(value.clone()),
                _ if remote.url.is_empty() => remote.url.clone_from(value),
                _ => {}
            }
        }
        Ok(found.into_iter().filter(|remote| !remote.url.is_empty()).collect())
    }

    /// Where a push goes that means the remote itself: our own gate stands among the addresses to catch
    /// everybody else's.
    pub fn push_address(&self, remote: &Remote) -> anyhow::Result<String> {
        let own = self.own_dir()?;
        let gate =
            |url: &&String| url.trim_start_matches("file://").starts_with(&*own.to_string_lossy());
        Ok(remote.push_urls.iter().find(|url| !gate(url)).unwrap_or(&remote.url).clone())
    }

    /// A configuration file was changed by other means: what was read of it is forgotten.
    pub fn config_changed(&self) {
        self.settings.replace(None);
        self.config_written.set(true);
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
            names.sort_unstable();
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
pub(super) fn normal(key: &str) -> String {
    match (key.find('.'), key.rfind('.')) {
        (Some(first), Some(last)) if first < last => {
            let (section, rest) = key.split_at(first);
            let (middle, name) = rest.split_at(last - first);
            format!("{}{middle}{}", section.to_ascii_lowercase(), name.to_ascii_lowercase())
        }
        _ => key.to_ascii_lowercase(),
    }
}
