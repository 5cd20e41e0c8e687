//! Which beads are asked for: conditions over what is known of a bead. Pure.
//!
//! A condition is asked of as little as will do: whether a bead is closed, what stands in its hot row, and
//! only where that leaves it open, the whole of it.

use crate::bead::event::Status;
use crate::bead::face::{Face, Texts};
use crate::bead::{Bead, Beads, words};

/// What a bead has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cond {
    /// All of these; of none, any bead.
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Is(Test),
}

/// One thing that is asked of a bead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub field: Field,
    pub op: Op,
    pub value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Contains, whatever the case of the letters.
    Has,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Id,
    Title,
    Description,
    Design,
    Acceptance,
    Notes,
    Comment,
    /// Any text of a bead.
    Text,
    Status,
    Priority,
    Type,
    Assignee,
    Owner,
    Creator,
    Label,
    /// The bead that it is a child of.
    Parent,
    /// A bead that it is below, however deep.
    Under,
    Created,
    Updated,
    Started,
    Closed,
    Due,
    Defer,
    Estimate,
    External,
    Spec,
    /// The paths that are its own.
    Files,
    /// What stands under a key of its metadata.
    Metadata(String),
}

/// What a field is compared with: as it was said, and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub said: String,
    pub means: Means,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// That there is none.
    Nothing,
    Word,
    Number(u64),
    /// A while, such as a day: from a moment on, and before another. A moment is a while that ends where it
    /// begins.
    While(String, String),
}

/// What is known of a bead when it is asked.
pub enum Seen<'s> {
    /// That it is closed.
    Closed(&'s str),
    Face(&'s str, &'s Face<'s>),
    /// All but its comments, and what is neither looked at in many nor a text.
    Texts(&'s Face<'s>, Texts<'s>),
    Whole(&'s Bead),
}

impl Cond {
    pub fn every() -> Self {
        Self::All(Vec::new())
    }

    pub fn is(field: Field, op: Op, value: Value) -> Self {
        Self::Is(Test { field, op, value })
    }

    /// Whether it says anything about one of these fields.
    pub fn speaks_of(&self, fields: &[Field]) -> bool {
        match self {
            Self::All(of) | Self::Any(of) => of.iter().any(|cond| cond.speaks_of(fields)),
            Self::Not(of) => of.speaks_of(fields),
            Self::Is(test) => fields.contains(&test.field),
        }
    }

    /// Whether beads of some type are asked for, and not only kept out.
    pub fn asks_for_types(&self) -> bool {
        match self {
            Self::All(of) | Self::Any(of) => of.iter().any(Self::asks_for_types),
            Self::Not(_) => false,
            Self::Is(test) => test.field == Field::Type && test.op != Op::Ne,
        }
    }

    /// Whether deleted beads are asked for by their status.
    pub fn asks_for_deleted(&self) -> bool {
        match self {
            Self::All(of) | Self::Any(of) => of.iter().any(Self::asks_for_deleted),
            Self::Not(of) => of.asks_for_deleted(),
            Self::Is(test) => {
                test.field == Field::Status && test.value.said == Status::TOMBSTONE.as_str()
            }
        }
    }

    /// Every test in it, to be changed.
    pub fn each_test<E>(
        &mut self,
        change: &mut dyn FnMut(&mut Test) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::All(of) | Self::Any(of) => of.iter_mut().try_for_each(|it| it.each_test(change)),
            Self::Not(of) => of.each_test(change),
            Self::Is(test) => change(test),
        }
    }

    /// Whether a bead is so; none where what was seen of it does not tell.
    pub fn fits(&self, beads: &Beads, seen: &Seen<'_>) -> Option<bool> {
        match self {
            Self::All(of) => decide(of, false, beads, seen),
            Self::Any(of) => decide(of, true, beads, seen),
            Self::Not(of) => of.fits(beads, seen).map(|fits| !fits),
            Self::Is(test) => test.fits(beads, seen),
        }
    }

    /// Letters without which no bead fits, wherever in it they stand.
    pub fn letters(&self) -> Option<&str> {
        match self {
            Self::All(of) => of.iter().filter_map(Self::letters).max_by_key(|run| run.len()),
            Self::Is(Test { field, op: Op::Has, value }) if field.is_prose() => {
                words::letters(&value.said)
            }
            _ => None,
        }
    }
}

/// One of them that is `deciding` decides.
fn decide(of: &[Cond], deciding: bool, beads: &Beads, seen: &Seen<'_>) -> Option<bool> {
    let mut open = false;
    for cond in of {
        match cond.fits(beads, seen) {
            Some(fits) if fits == deciding => return Some(deciding),
            Some(_) => {}
            None => open = true,
        }
    }
    (!open).then_some(!deciding)
}

impl Field {
    /// Whether it is a text that people write.
    pub fn is_prose(&self) -> bool {
        matches!(
            self,
            Self::Title
                | Self::Description
                | Self::Design
                | Self::Acceptance
                | Self::Notes
                | Self::Comment
                | Self::Text
        )
    }

    /// Whether several may be named with commas between them, as in `list`.
    pub fn is_listed(&self) -> bool {
        use Field::{Assignee, Creator, Id, Label, Owner, Parent, Priority, Status, Type, Under};
        matches!(
            self,
            Id | Status | Priority | Type | Assignee | Owner | Creator | Label | Parent | Under
        )
    }

    pub fn is_time(&self) -> bool {
        matches!(
            self,
            Self::Created | Self::Updated | Self::Started | Self::Closed | Self::Due | Self::Defer
        )
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Priority | Self::Estimate)
    }
}

impl Value {
    pub fn nothing() -> Self {
        Self { said: String::new(), means: Means::Nothing }
    }

    pub fn word(said: impl Into<String>) -> Self {
        Self { said: said.into(), means: Means::Word }
    }

    pub fn number(number: u64) -> Self {
        Self { said: number.to_string(), means: Means::Number(number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;

    #[test]
    fn what_was_seen_decides_as_soon_as_it_can() {
        let all = beads(&[("b-1", &[])]);
        let open = || Cond::is(Field::Status, Op::Eq, Value::word("open"));
        let text = || Cond::is(Field::Text, Op::Has, Value::word("x"));
        let seen = Seen::Closed("b-1");
        for (cond, fits) in [
            (Cond::every(), Some(true)),
            (open(), Some(false)),
            (text(), None),
            (Cond::All(vec![text(), open()]), Some(false)),
            (Cond::Any(vec![text(), open()]), None),
            (Cond::Any(vec![text(), Cond::Not(Box::new(open()))]), Some(true)),
            (Cond::Not(Box::new(text())), None),
        ] {
            assert_eq!(cond.fits(&all, &seen), fits, "{cond:?}");
        }
    }
}
