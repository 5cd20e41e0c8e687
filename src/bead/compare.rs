//! One comparison of a condition with what was seen of a bead. Pure.

use crate::bead::event::Status;
use crate::bead::face::{Face, Texts};
use crate::bead::filter::{Field, Means, Op, Seen, Test};
use crate::bead::{Bead, Beads, words};
use crate::ledger::{Kept as _, is_elsewhere};
use crate::policy::Glob;

impl Test {
    pub(super) fn fits(&self, beads: &Beads, seen: &Seen<'_>) -> Option<bool> {
        match seen {
            Seen::Closed(id) => match self.field {
                Field::Status => Some(self.word(Some(Status::CLOSED.as_str()))),
                Field::Id => Some(self.word(Some(id))),
                _ => None,
            },
            Seen::Face(id, face) => self.fits_face(beads, id, face),
            Seen::Texts(face, texts) => {
                self.fits_texts(texts).or_else(|| self.fits_face(beads, texts.id, face))
            }
            Seen::Whole(bead) => Some(self.fits_whole(beads, bead)),
        }
    }

    fn fits_face(&self, beads: &Beads, id: &str, face: &Face<'_>) -> Option<bool> {
        Some(match self.field {
            Field::Id => self.word(Some(id)),
            Field::Status => self.word(Some(face.status)),
            Field::Priority => self.number(Some(face.priority.into())),
            Field::Type => self.word(Some(face.issue_type)),
            Field::Assignee => self.word(face.assignee),
            Field::Label => self.words(&mut face.labels.iter().copied()),
            Field::Parent => self.word(beads.above(face)),
            Field::Under => self.words(&mut ancestors(beads, face).into_iter()),
            Field::Created => self.moment(Some(face.created_at)),
            Field::Updated => self.moment(Some(face.updated_at)),
            Field::Defer => self.moment(face.defer_until),
            _ => return None,
        })
    }

    /// None where it is not a text that is asked for, or where that is not whole.
    fn fits_texts(&self, texts: &Texts<'_>) -> Option<bool> {
        let text = match self.field {
            Field::Title => texts.title,
            Field::Description => texts.description,
            Field::Design => texts.design,
            Field::Acceptance => texts.acceptance_criteria,
            Field::Notes => texts.notes,
            // A comment may have what no other text has.
            Field::Text if self.op == Op::Has => {
                let here = |text: &&str| !is_elsewhere(text);
                return self.words(&mut all_of(texts).into_iter().filter(here)).then_some(true);
            }
            _ => return None,
        };
        (!is_elsewhere(text)).then(|| self.text(text))
    }

    fn fits_whole(&self, beads: &Beads, bead: &Bead) -> bool {
        let mut comments = bead.comments.iter().map(|comment| comment.text.as_str());
        match &self.field {
            Field::Comment => self.words(&mut comments),
            Field::Text => {
                let texts = all_of(&Texts::of(bead));
                self.words(&mut texts.into_iter().chain(comments))
            }
            field if field.is_prose() => self.fits_texts(&Texts::of(bead)).unwrap_or_default(),
            Field::Owner => self.text(&bead.owner),
            Field::Creator => self.text(&bead.created_by),
            Field::External => self.word(bead.external_ref.as_deref()),
            Field::Estimate => self.number(bead.estimated_minutes),
            Field::Due => self.moment(bead.due_at.as_deref()),
            Field::Spec => self.text(&bead.spec_id),
            Field::Files => self.files(bead),
            Field::Metadata(key) => {
                let json = bead.metadata.get(key).map(|value| value.json());
                let text = json
                    .as_ref()
                    .map(|json| json.as_str().map_or_else(|| json.to_string(), str::to_owned));
                self.word(text.as_deref())
            }
            Field::Started => self.moment(bead.started_at.as_deref()),
            Field::Closed => self.moment(bead.closed_at.as_deref()),
            _ => {
                let face = bead.face();
                self.fits_face(beads, &bead.id, &face).unwrap_or_default()
            }
        }
    }

    /// An empty text is none.
    fn text(&self, text: &str) -> bool {
        self.word(Some(text).filter(|text| !text.is_empty()))
    }

    fn word(&self, word: Option<&str>) -> bool {
        self.words(&mut word.into_iter())
    }

    /// Of several words one is enough, and what is not to be must be none of them.
    fn words(&self, mut words: &mut dyn Iterator<Item = &str>) -> bool {
        let words = &mut words;
        let said = self.value.said.as_str();
        match (self.op, &self.value.means) {
            (Op::Ne, Means::Nothing) => words.next().is_some(),
            (_, Means::Nothing) => words.next().is_none(),
            (Op::Has, _) => words.any(|word| words::holds(word, said)),
            (Op::Ne, _) => !words.any(|word| word == said),
            (_, _) => words.any(|word| word == said),
        }
    }

    /// Who asks for a path asks whose it is; whoever looks for letters looks in the patterns.
    fn files(&self, bead: &Bead) -> bool {
        if matches!(self.op, Op::Has) || self.value.means == Means::Nothing {
            return self.words(&mut bead.files().iter().map(String::as_str));
        }
        let asked = Glob::new(&self.value.said).ok();
        let owns = asked.is_some_and(|asked| bead.globs().iter().any(|glob| glob.meets(&asked)));
        owns == (self.op == Op::Eq)
    }

    fn number(&self, number: Option<u64>) -> bool {
        match (&self.value.means, number) {
            (Means::Number(asked), Some(number)) => match self.op {
                Op::Eq | Op::Has => number == *asked,
                Op::Ne => number != *asked,
                Op::Lt => number < *asked,
                Op::Le => number <= *asked,
                Op::Gt => number > *asked,
                Op::Ge => number >= *asked,
            },
            (Means::Nothing, number) => (self.op == Op::Ne) == number.is_some(),
            _ => self.op == Op::Ne,
        }
    }

    fn moment(&self, moment: Option<&str>) -> bool {
        let (Means::While(from, until), Some(at)) = (&self.value.means, moment) else {
            return match self.value.means {
                Means::Nothing => (self.op == Op::Ne) == moment.is_some(),
                _ => self.op == Op::Ne,
            };
        };
        let within = from.as_str() <= at && (at < until.as_str() || at == from);
        match self.op {
            Op::Eq | Op::Has => within,
            Op::Ne => !within,
            Op::Lt => at < from.as_str(),
            Op::Le => at < from.as_str() || within,
            Op::Gt => at >= until.as_str() && !within,
            Op::Ge => at >= from.as_str(),
        }
    }
}

fn all_of<'a>(texts: &Texts<'a>) -> [&'a str; 6] {
    let Texts { id, title, description, design, acceptance_criteria, notes } = *texts;
    [title, id, description, design, acceptance_criteria, notes]
}

/// The beads that a bead is below, from its parent on.
fn ancestors<'a>(beads: &'a Beads, face: &Face<'_>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut at = beads.above(face);
    while let Some(id) = at.filter(|id| !found.contains(id)) {
        found.push(id);
        at = beads.row(id).and_then(|row| beads.above(&row.face()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Edit, Event, Link};
    use crate::bead::filter::{Cond, Value};

    fn day(day: &str) -> Value {
        let until = day.replace("-21", "-22");
        let midnight = |day: &str| format!("{day}T00:00:00.000Z");
        Value { said: day.to_owned(), means: Means::While(midnight(day), midnight(&until)) }
    }

    #[test]
    fn each_field_is_compared_by_its_kind() {
        let mut all = beads(&[
            ("b-1", &[]),
            ("b-2", &[(Link::PARENT_CHILD, "b-1")]),
            ("b-3", &[(Link::PARENT_CHILD, "b-2")]),
        ]);
        let edit =
            Edit { notes: Some("Grün und gut".to_owned()), priority: Some(2), ..Edit::default() };
        drink(&mut all, "b-3", "x", &Event::Edited(edit));
        let labeled =
            Event::Labeled { add: vec!["ui".to_owned(), "api".to_owned()], remove: vec![] };
        drink(&mut all, "b-3", "x", &labeled);
        let bead = all.get("b-3").unwrap();
        let word = Value::word;
        for (field, op, value, fits) in [
            (Field::Id, Op::Eq, word("b-3"), true),
            (Field::Status, Op::Ne, word("open"), false),
            (Field::Title, Op::Has, word("B-"), true),
            (Field::Notes, Op::Has, word("GRÜN"), true),
            (Field::Notes, Op::Eq, Value::nothing(), false),
            (Field::Description, Op::Eq, Value::nothing(), true),
            (Field::Label, Op::Eq, word("api"), true),
            (Field::Label, Op::Ne, word("api"), false),
            (Field::Label, Op::Has, word("U"), true),
            (Field::Label, Op::Ne, Value::nothing(), true),
            (Field::Assignee, Op::Eq, Value::nothing(), true),
            (Field::Assignee, Op::Ne, word("x"), true),
            (Field::Parent, Op::Eq, word("b-1"), false),
            (Field::Under, Op::Eq, word("b-1"), true),
            (Field::Priority, Op::Le, Value::number(2), true),
            (Field::Priority, Op::Lt, Value::number(2), false),
            (Field::Estimate, Op::Eq, Value::nothing(), true),
            (Field::Estimate, Op::Ge, Value::number(0), false),
            (Field::Created, Op::Eq, day("2026-11-21"), true),
            (Field::Created, Op::Gt, day("2026-11-21"), false),
            (Field::Created, Op::Ge, day("2026-11-21"), true),
            (Field::Created, Op::Le, day("2026-11-21"), true),
            (Field::Created, Op::Lt, day("2026-11-22"), true),
            (Field::Closed, Op::Lt, day("2026-11-21"), false),
            (Field::Closed, Op::Eq, Value::nothing(), true),
        ] {
            let cond = Cond::is(field, op, value);
            assert_eq!(cond.fits(&all, &Seen::Whole(bead)), Some(fits), "{cond:?}");
            let on_face = cond.fits(&all, &Seen::Face("b-3", &bead.face()));
            assert!(on_face.is_none_or(|on_face| on_face == fits), "{cond:?}");
            let face = bead.face();
            let on_texts = cond.fits(&all, &Seen::Texts(&face, Texts::of(bead)));
            assert!(on_texts.is_none_or(|on_texts| on_texts == fits), "{cond:?}");
        }
    }
}
