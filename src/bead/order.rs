//! In which order beads are told. Pure.

use std::cmp::Ordering;

use crate::bead::Bead;
use crate::bead::filter::{Field, Seen};
use crate::ledger::Row;

/// What beads are sorted by. Ties end with the id, so the order is the same everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Most urgent first, then the newest.
    #[default]
    Priority,
    /// The oldest first.
    Oldest,
    /// What is no older than this moment as `Priority` has it, then the rest as `Oldest` has it: so that
    /// nothing waits for ever behind what is new and urgent.
    Hybrid(String),
    /// By one field; of times the latest first, and what has none last.
    By(Field),
}

/// The place of a bead: the smaller comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    first: u64,
    then: u64,
    text: String,
}

impl Order {
    /// By a field that has an order.
    pub fn by(field: Field) -> Option<Self> {
        let sorts = match field {
            Field::Title | Field::Updated | Field::Closed | Field::Due | Field::Estimate => true,
            ref field => is_on_face(field),
        };
        sorts.then_some(Self::By(field))
    }

    /// Whether what was seen tells the place.
    pub fn is_told_by(&self, seen: &Seen<'_>) -> bool {
        match (self, seen) {
            (_, Seen::Whole(_)) => true,
            (_, Seen::Closed(_)) => false,
            (Self::By(Field::Title), Seen::Texts(..)) => true,
            (Self::By(field), Seen::Face(..) | Seen::Texts(..)) => is_on_face(field),
            (_, Seen::Face(..) | Seen::Texts(..)) => true,
        }
    }

    /// Where a bead stands; one of which too little was seen comes last.
    pub fn place(&self, seen: &Seen<'_>) -> Place {
        let (priority, created) = match seen {
            Seen::Closed(_) => return Place { first: u64::MAX, ..Place::default() },
            Seen::Face(_, face) | Seen::Texts(face, _) => {
                (u64::from(face.priority), face.created_at)
            }
            Seen::Whole(bead) => (u64::from(bead.priority), bead.created_at.as_str()),
        };
        let born = || number(created);
        match self {
            Self::Priority => Place { first: priority, then: late(born()), ..Place::default() },
            Self::Oldest => Place { first: born(), ..Place::default() },
            Self::Hybrid(since) if born() >= number(since) => {
                Place { first: priority, then: late(born()), ..Place::default() }
            }
            Self::Hybrid(_) => Place { first: u64::MAX, then: born(), ..Place::default() },
            Self::By(field) => of_field(field, seen, priority, created),
        }
    }
}

fn is_on_face(field: &Field) -> bool {
    matches!(
        field,
        Field::Id
            | Field::Status
            | Field::Priority
            | Field::Type
            | Field::Assignee
            | Field::Created
            | Field::Updated
    )
}

/// A time as a number that sorts as it does.
fn number(time: &str) -> u64 {
    let digits = time.bytes().filter(u8::is_ascii_digit).take(17);
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

fn late(time: u64) -> u64 {
    u64::MAX - time
}

fn of_field(field: &Field, seen: &Seen<'_>, priority: u64, created: &str) -> Place {
    let count = |first: Option<u64>| Place { first: first.unwrap_or(u64::MAX), ..Place::default() };
    let time = |time: Option<&str>| count(time.map(|time| late(number(time))));
    let text = |text: Option<&str>| Place {
        first: u64::from(text.is_none()),
        text: text.unwrap_or_default().to_lowercase(),
        ..Place::default()
    };
    match (field, seen) {
        (Field::Priority, _) => count(Some(priority)),
        (Field::Created, _) => time(Some(created)),
        (Field::Status, Seen::Face(_, face) | Seen::Texts(face, _)) => text(Some(face.status)),
        (Field::Status, Seen::Whole(bead)) => text(Some(bead.status.as_str())),
        (Field::Type, Seen::Face(_, face) | Seen::Texts(face, _)) => text(Some(face.issue_type)),
        (Field::Type, Seen::Whole(bead)) => text(Some(&bead.issue_type)),
        (Field::Assignee, Seen::Face(_, face) | Seen::Texts(face, _)) => text(face.assignee),
        (Field::Assignee, Seen::Whole(bead)) => text(bead.assignee.as_deref()),
        (Field::Title, Seen::Texts(_, texts)) => text(Some(texts.title)),
        (Field::Title, Seen::Whole(bead)) => text(Some(&bead.title)),
        (Field::Updated, Seen::Whole(bead)) => time(Some(&bead.updated_at)),
        (Field::Updated, Seen::Face(_, face) | Seen::Texts(face, _)) => time(Some(face.updated_at)),
        (Field::Due, Seen::Whole(bead)) => count(bead.due_at.as_deref().map(number)),
        (Field::Closed, Seen::Whole(bead)) => time(bead.closed_at.as_deref()),
        (Field::Estimate, Seen::Whole(bead)) => count(bead.estimated_minutes),
        _ => Place::default(),
    }
}

/// Sorts so many, if not 0, to the front.
pub(super) fn sort_first<T>(all: &mut [T], first: usize, by: impl Fn(&T, &T) -> Ordering) {
    let shown = if (1..all.len()).contains(&first) {
        all.select_nth_unstable_by(first, &by).0
    } else {
        all
    };
    shown.sort_unstable_by(by);
}

/// Rows in the order of their places, or the other way round; only so many of them, if not 0: in front of the others, which have
/// none. Whoever shows ten of many thousands does not sort them all.
pub fn sorted(
    mut found: Vec<(Place, Row<'_, Bead>)>,
    reverse: bool,
    first: usize,
) -> Vec<Row<'_, Bead>> {
    let by = |one: &(Place, Row<'_, Bead>), other: &(Place, Row<'_, Bead>)| {
        let order = one.0.cmp(&other.0).then_with(|| one.1.key().cmp(other.1.key()));
        if reverse { order.reverse() } else { order }
    };
    sort_first(&mut found, first, by);
    found.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::beads;
    use crate::bead::event::Link;
    use crate::bead::face::Texts;
    use crate::ledger::Kept as _;

    #[test]
    fn the_first_of_many_are_the_same_however_many_are_asked_for() {
        let names: Vec<_> = (0..40).map(|n| format!("b-{:02}", n * 7 % 40)).collect();
        let told: Vec<(&str, &[(Link, &str)])> =
            names.iter().map(|n| (n.as_str(), [].as_slice())).collect();
        let all = beads(&told);
        let first = |first: usize| {
            let rows = all.rows().map(|row| (Place::default(), row)).collect();
            let rows = sorted(rows, false, first);
            assert_eq!(rows.len(), names.len());
            rows.iter().map(|row| row.key().to_owned()).collect::<Vec<_>>()
        };
        for count in [1, 2, 39, 40, 41] {
            let shown = count.min(names.len());
            assert_eq!(first(count)[..shown], first(0)[..shown], "{count}");
        }
    }

    #[test]
    fn each_order_has_its_places() {
        let bead = |id: &str, priority: u8, created: &str, title: &str| Bead {
            id: id.to_owned(),
            priority,
            created_at: created.to_owned(),
            title: title.to_owned(),
            closed_at: (id == "a").then(|| created.to_owned()),
            ..Bead::default()
        };
        let all = [
            bead("a", 2, "2026-11-21T08:00:00.000Z", "Zebra"),
            bead("b", 0, "2025-01-01T00:00:00.000Z", "apple"),
            bead("c", 2, "2026-11-21T08:00:00.001Z", "Banana"),
            bead("d", 3, "2025-01-01T01:00:00.000Z", "cherry"),
        ];
        let since = "2026-11-19T00:00:00.000Z".to_owned();
        for (order, told) in [
            (Order::Priority, "bcad"),
            (Order::Oldest, "bdac"),
            (Order::Hybrid(since), "cabd"),
            (Order::By(Field::Title), "bcda"),
            (Order::By(Field::Created), "cadb"),
            (Order::By(Field::Closed), "abcd"),
            (Order::By(Field::Priority), "bacd"),
        ] {
            let mut places: Vec<_> =
                all.iter().map(|bead| (order.place(&Seen::Whole(bead)), &*bead.id)).collect();
            places.sort();
            assert_eq!(places.iter().map(|(_, id)| *id).collect::<String>(), told, "{order:?}");
            let face = all[0].face();
            let seen = Seen::Face("a", &face);
            let same = order.place(&seen) == order.place(&Seen::Whole(&all[0]));
            assert!(same || !order.is_told_by(&seen), "{order:?}");
            let seen = Seen::Texts(&face, Texts::of(&all[0]));
            let same = order.place(&seen) == order.place(&Seen::Whole(&all[0]));
            assert!(same || !order.is_told_by(&seen), "{order:?}");
        }
    }
}
