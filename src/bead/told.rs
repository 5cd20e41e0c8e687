//! A bead as another tool tells it, and what of that was changed here since. Pure.

use crate::bead::event::{Event, Told};
use crate::bead::field::{self, SCALARS};
use crate::bead::fields::{Bead, Before, Edge, Source};
use crate::bead::raw::Raw;
use crate::host;
use crate::ledger::{Json, Line, digest, is_elsewhere};

/// What we write whether or not it was said.
const SILENT: [&str; 4] = ["status", "priority", "issue_type", "updated_at"];
/// How many digits of a hash tell two beads of one name apart.
const BIRTH_DIGITS: usize = 8;
/// Begins the name of a key of the metadata among the names of what may change.
pub(super) const METADATA: &str = "metadata\n";
/// What changes together: a bead that is open again has no time of its close.
pub(super) const STATE: &str = "status";
pub(super) const LISTS: [&str; 2] = ["labels", "dependencies"];
/// What beads writes for a moment that it does not know.
pub(super) const NEVER: &str = "1970-01-01T00:00:00.000Z";

impl Bead {
    /// The bead as it is there.
    pub fn told(id: &str, told: &Told) -> Self {
        let mut bead = Self {
            id: id.to_owned(),
            priority: 2,
            issue_type: "task".to_owned(),
            source: Some(Source {
                at: host::moment(&told.at).unwrap_or_default(),
                from: told.from.clone(),
                order: told.order.clone(),
                ..Source::default()
            }),
            ..Self::default()
        };
        for (name, json) in &told.record {
            bead.hear(name, &json.to_string(), json);
        }
        for (name, raw) in &told.rest {
            let json = if is_elsewhere(&raw.text) { Json::Null } else { raw.json() };
            bead.hear(name, &raw.text, &json);
        }
        let metadata = told.metadata.iter().map(|(key, raw)| (key.clone(), raw.clone()));
        bead.metadata.extend(metadata);
        // It was no empty object there: these were taken out of it.
        if let Some(source) = bead.source.as_mut().filter(|_| !told.metadata.is_empty()) {
            source.said.shift_remove("metadata");
        }
        for name in SILENT {
            if !told.more && !told.record.contains_key(name) && !told.rest.contains_key(name) {
                bead.note_said(name, String::new());
            }
        }
        if bead.updated_at.is_empty() {
            let at = field::stamp(&told.at).filter(|at| at != NEVER);
            bead.updated_at = at.unwrap_or_default();
        }
        if let Some(by) = &told.by {
            bead.closed_by = bead.closed_at.is_some().then(|| by.clone());
        }
        bead
    }

    fn hear(&mut self, name: &str, text: &str, json: &Json) {
        if name == "id" {
            return;
        }
        if !field::is_ours(name) {
            self.rest.insert(name.to_owned(), Raw { text: text.to_owned() });
            return;
        }
        field::set(self, name, json);
        let written = field::text(self, name);
        // Of lists and objects the order of the keys is ours.
        let same = |written: &str| {
            written == text
                || (!json.is_string() && written.parse::<Json>().is_ok_and(|w| w == *json))
        };
        if !written.as_deref().is_some_and(same) {
            self.note_said(name, text.to_owned());
        }
    }

    fn note_said(&mut self, name: &str, text: String) {
        if let Some(source) = &mut self.source {
            source.said.insert(name.to_owned(), Raw { text });
        }
    }

    /// Whether two records that have one id were made by two people, or at two times.
    pub(super) fn is_other(&self, other: &Self) -> bool {
        let differ = |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
        differ(&self.created_at, &other.created_at) || differ(&self.created_by, &other.created_by)
    }

    /// The same under the name that it has beside another one with its id.
    pub(super) fn by_birth(self) -> Self {
        Self { id: self.born_as(&self.id), ..self }
    }

    pub(super) fn born_as(&self, id: &str) -> String {
        let birth = digest(&[self.created_at.as_bytes(), b"\n", self.created_by.as_bytes()]);
        format!("{id}-{}", birth.get(..BIRTH_DIGITS).unwrap_or_default())
    }

    /// What a line of ours does; and where another tool has the bead, too, what it changes of what that
    /// said.
    pub(super) fn drink(&mut self, line: &Line, event: Event) {
        let old = self.source.is_some().then(|| self.clone());
        self.live(line, event);
        if let Some(old) = old {
            self.note(&old, &host::moment(&line.at).unwrap_or_default());
        }
    }

    fn note(&mut self, old: &Self, at: &str) {
        let Some(mut source) = self.source.take() else { return };
        for name in self.names(old) {
            let (was, is) = (old.value(&name), self.value(&name));
            if was == is {
                continue;
            }
            let said = source.before.get(&name).map_or(was, |before| before.value.clone());
            if said == is {
                source.before.shift_remove(&name);
            } else {
                source.before.insert(name, Before { value: said, at: at.to_owned() });
            }
        }
        self.source = Some(source);
    }

    /// All of this bead and of another state of it that may change by itself.
    pub(super) fn names(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<_> = SCALARS.iter().chain([&STATE]).chain(&LISTS).copied().collect();
        for bead in [self, other] {
            names.extend(bead.rest.keys().map(String::as_str));
        }
        let mut names: Vec<_> = names.into_iter().map(str::to_owned).collect();
        for bead in [self, other] {
            names.extend(bead.metadata.keys().map(|key| format!("{METADATA}{key}")));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What stands under such a name; of lists the keys of what is in them.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        if let Some(key) = name.strip_prefix(METADATA) {
            return self.metadata.get(key).map(|raw| raw.text.clone());
        }
        match name {
            STATE => {
                let said = ["status", "closed_at", "close_reason"];
                let said = said.map(|name| field::text(self, name).unwrap_or_default());
                Some(said.join(","))
            }
            "labels" | "dependencies" => Some(Json::from(self.keys(name)).to_string()),
            name if SCALARS.contains(&name) => field::text(self, name),
            name => self.rest.get(name).map(|raw| raw.text.clone()),
        }
    }

    /// By what those that are in a list are known.
    pub(super) fn keys(&self, list: &str) -> Vec<String> {
        match list {
            "labels" => self.labels.clone(),
            _ => self.dependencies.iter().map(key_of).collect(),
        }
    }
}

pub(super) fn key_of(edge: &Edge) -> String {
    format!("{}\n{}", edge.kind, edge.depends_on_id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::bead::Beads;
    use crate::bead::event::{Edit, Event};
    use crate::bead::unite::tests::{after, drink, told};

    /// Something that happens to one of two fields, in the source or here, or a copy of the source.
    #[derive(Clone, Debug)]
    enum Step {
        There(usize, u8),
        Here(usize, u8),
        Import(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..2usize, 0..4u8).prop_map(|(field, value)| Step::There(field, value)),
            (0..2usize, 0..4u8).prop_map(|(field, value)| Step::Here(field, value)),
            (0..20usize).prop_map(Step::Import),
        ]
    }

    fn edit(field: usize, value: u8) -> Event {
        Event::Edited(match field {
            0 => Edit { title: Some(value.to_string()), ..Edit::default() },
            _ => Edit { priority: Some(value), ..Edit::default() },
        })
    }

    proptest! {
        /// The rule in a few lines, and what the beads make of it.
        #[test]
        fn nothing_newer_is_turned_back(steps in prop::collection::vec(step(), 1..30)) {
            let mut versions = vec![(0, [0, 0])];
            let (mut last, mut base, mut here, mut changed) = (0, [0, 0], [0, 0], [0, 0]);
            let mut beads = Beads::default();
            let record = |(moment, values): (usize, [u8; 2])| {
                told(moment, json!({"title": values[0].to_string(), "priority": values[1]}))
            };
            drink(&mut beads, 0, &record(versions[0]));
            for (n, step) in steps.into_iter().enumerate() {
                let now = n + 1;
                match step {
                    Step::There(field, value) => {
                        let mut values = versions.last().unwrap().1;
                        values[field] = value;
                        versions.push((now, values));
                    }
                    Step::Here(field, value) => {
                        if here[field] != value {
                            (here[field], changed[field]) = (value, now);
                        }
                        drink(&mut beads, now, &edit(field, value));
                    }
                    Step::Import(which) => {
                        let version = versions[which % versions.len()];
                        drink(&mut beads, now, &record(version));
                        if version.0 <= last {
                            continue;
                        }
                        last = version.0;
                        for field in 0..2 {
                            let said = version.1[field];
                            let only_there = here[field] == base[field];
                            if said != base[field] && (only_there || last > changed[field]) {
                                here[field] = said;
                            }
                            base[field] = said;
                        }
                    }
                }
                let bead = beads.get("b-1").unwrap();
                prop_assert_eq!(
                    (bead.title.clone(), bead.priority),
                    (here[0].to_string(), here[1])
                );
            }
        }

        /// Whatever order its states come in, and how often, a bead that nobody touched here is the newest.
        #[test]
        fn the_newest_of_all_states_stands(order in prop::collection::vec(0..6usize, 1..20)) {
            let state = |n: usize| {
                let comment = json!([{"id": n, "text": n.to_string(), "author": "x"}]);
                told(n + 1, json!({"title": n.to_string(), "comments": comment, "labels": [n.to_string()]}))
            };
            let events: Vec<_> = order.iter().map(|n| (60, state(*n))).collect();
            let bead = after(&events);
            let newest = order.iter().max().unwrap();
            prop_assert_eq!((&bead.title, &bead.labels), (&newest.to_string(), &vec![newest.to_string()]));
            let mut said: Vec<_> = bead.comments.iter().map(|it| it.text.clone()).collect();
            said.sort();
            let mut all: Vec<_> = order.iter().map(ToString::to_string).collect();
            all.sort();
            all.dedup();
            prop_assert_eq!(said, all);
        }
    }
}
