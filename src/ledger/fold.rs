//! How a state drinks lines, one after the other, in the one order.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Line;

/// A state that is made of lines and nothing else: the same lines give the same state, byte for byte.
///
/// Kinds a fold does not know flow past it. Raise `VERSION` whenever the same lines would give another
/// state, so that no saved state of the old meaning is taken for one of the new.
pub trait Fold: Default + Serialize + DeserializeOwned {
    const VERSION: u32;

    fn name() -> String;

    fn drink(&mut self, line: &Line);
}

macro_rules! together {
    ($($fold:ident $at:tt),+) => {
        impl<$($fold: Fold),+> Fold for ($($fold,)+) {
            // Each part has a version below 1000; together they are one number that changes with any.
            const VERSION: u32 = 0u32$(.wrapping_mul(1000).wrapping_add($fold::VERSION))+;

            fn name() -> String {
                [$($fold::name()),+].join("+")
            }

            fn drink(&mut self, line: &Line) {
                $(self.$at.drink(line);)+
            }
        }
    };
}

together!(A 0, B 1);
together!(A 0, B 1, C 2);
together!(A 0, B 1, C 2, D 3);
