//! How a state drinks lines, one after the other, in the one order, and how it is saved.

use std::rc::Rc;

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Line;
use super::saved::{Back, Saved};

/// A state that is made of lines and nothing else: the same lines give the same state, byte for byte.
///
/// Kinds a fold does not know flow past it. Raise `VERSION` whenever the same lines would give another
/// state, or a state would be saved in another form, so that nothing saved is taken for what it is not.
pub trait Fold: Default {
    const VERSION: u32;

    fn name() -> String;

    fn drink(&mut self, line: &Line);

    /// What to save; none where it cannot be saved.
    fn save(&self) -> Option<Saving>;

    /// The state that was saved; none where it cannot be what was saved.
    fn load(loaded: Loaded) -> Option<Self>;

    /// Whether all that was read of it so far was as it had been saved.
    fn is_sound(&self) -> bool {
        true
    }
}

/// A state to be saved.
pub enum Saving {
    Whole(Saved),
    /// What changed since the whole was saved that this one was loaded from.
    Since(Saved),
}

impl Saving {
    /// A small state, which is saved and read as one.
    pub fn plain(state: &impl Serialize) -> Option<Self> {
        let front = serde_json::to_vec(state).ok()?;
        Some(Self::Whole(Saved { front: Rc::new(front), back: Back::Memory(Vec::new()) }))
    }
}

/// Hears lines, one after the other.
pub type Each<'a> = &'a mut dyn FnMut(&Line);
/// Hands over every line of the ledger, in the one order.
pub(super) type Source = Rc<dyn Fn(Each<'_>) -> Result<()>>;

/// A state as it was saved, and where to turn when a part of it cannot be read back.
pub struct Loaded {
    pub(super) bottom: Saved,
    pub(super) since: Option<Saved>,
    pub(super) lines: Source,
}

impl Loaded {
    pub fn plain<S: DeserializeOwned>(self) -> Option<S> {
        serde_json::from_slice(&self.bottom.front).ok()
    }
}

/// A fold among others, whichever it is.
pub trait Part {
    fn name(&self) -> String;
    fn version(&self) -> u32;
    fn drink(&mut self, line: &Line);
    fn save(&self) -> Option<Saving>;
    /// Says whether it could be loaded; else it is empty.
    fn load(&mut self, loaded: Loaded) -> bool;
    fn clear(&mut self);
    fn is_sound(&self) -> bool;
}

impl<F: Fold> Part for F {
    fn name(&self) -> String {
        F::name()
    }

    fn version(&self) -> u32 {
        F::VERSION
    }

    fn drink(&mut self, line: &Line) {
        Fold::drink(self, line);
    }

    fn save(&self) -> Option<Saving> {
        Fold::save(self)
    }

    fn load(&mut self, loaded: Loaded) -> bool {
        let found = F::load(loaded);
        let is_found = found.is_some();
        *self = found.unwrap_or_default();
        is_found
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn is_sound(&self) -> bool {
        Fold::is_sound(self)
    }
}

/// What a reader asks for: one fold or several. Each is saved for itself, so nobody opens another's.
pub trait Folds {
    fn parts(&mut self) -> Vec<&mut dyn Part>;
}

impl<F: Fold> Folds for F {
    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![self]
    }
}

macro_rules! together {
    ($($fold:ident $at:tt),+) => {
        impl<$($fold: Fold),+> Folds for ($($fold,)+) {
            fn parts(&mut self) -> Vec<&mut dyn Part> {
                vec![$(&mut self.$at),+]
            }
        }
    };
}

together!(A 0, B 1);
together!(A 0, B 1, C 2);
together!(A 0, B 1, C 2, D 3);
