//! Git's configuration as this command was given it: files, `-c` options and environment together.

use std::path::PathBuf;
use std::rc::Rc;

use gix::bstr::{BStr, ByteSlice as _};

use super::Repo;

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
        Ok(settings.0.iter().filter(|(key, _)| *key == wanted).map(|(_, value)| value.clone()).collect())
    }

    /// Yes or no in any of git's spellings.
    pub fn config_bool(&self, key: &str) -> anyhow::Result<Option<bool>> {
        let Some(value) = self.config_get(key)? else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Some(true)),
            "false" | "no" | "off" | "0" | "" => Ok(Some(false)),
            _ => anyhow::bail!("git config {key} is {value:?}, not true or false"),
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

    fn read_settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Vec::new();
        let snapshot = self.handle().config_snapshot();
        for section in snapshot.plumbing().sections() {
            let header = section.header();
            let start = match header.subsection_name() {
                Some(sub) => format!("{}.{sub}", lower(header.name())),
                None => lower(header.name()),
            };
            let body = section.body();
            let mut names: Vec<String> = body.value_names().map(|name| name.to_ascii_lowercase()).collect();
            names.sort();
            names.dedup();
            for name in names {
                // A name without `=` is git's short way to say true.
                let values = body.values(&name);
                let values = if values.is_empty() { vec!["true".into()] } else { values };
                settings.extend(values.iter().map(|value| (format!("{start}.{name}"), value.to_str_lossy().into_owned())));
            }
        }
        Ok(Settings(settings))
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
