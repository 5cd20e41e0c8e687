//! One name of a pattern of paths: its characters, what may stand for each, and whether two such names, or
//! two rows of anything in which some stand for many, can be read alike. Pure.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Any number of characters.
    Star,
    One(Set),
}

/// A character that is in one of these ranges, or in none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    none_of: bool,
    ranges: Vec<(char, char)>,
}

pub(super) fn units(name: &str) -> Result<Vec<Unit>, String> {
    let mut units = Vec::new();
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        units.push(match c {
            '*' => Unit::Star,
            '?' => Unit::One(Set { none_of: true, ranges: Vec::new() }),
            '[' => {
                let (set, after) = set(rest.as_str())?;
                rest = after.chars();
                Unit::One(set)
            }
            '{' | '}' => return Err("git knows no braces; say each pattern for itself".to_owned()),
            '\\' => Unit::only(rest.next().ok_or("nothing stands after its last `\\`")?),
            c => Unit::only(c),
        });
    }
    units.dedup_by(|one, other| *one == Unit::Star && *other == Unit::Star);
    Ok(units)
}

/// The set after `[`, and what stands after it.
fn set(text: &str) -> Result<(Set, &str), String> {
    let (none_of, text) = match text.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mut ranges, mut rest) = (Vec::new(), text.chars());
    let open = || "a `[` in it is not closed".to_owned();
    loop {
        let c = match rest.next().ok_or_else(open)? {
            ']' if !ranges.is_empty() => break,
            '[' if rest.as_str().starts_with(':') => {
                return Err("classes by name are not known; say [a-z]".to_owned());
            }
            '\\' => rest.next().ok_or_else(open)?,
            c => c,
        };
        let mut after = rest.clone();
        let to = match (after.next(), after.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                let escaped = if to == '\\' { after.next() } else { Some(to) };
                rest = after;
                escaped.ok_or_else(open)?
            }
            _ => c,
        };
        ranges.push((c, to));
    }
    Ok((Set { none_of, ranges }, rest.as_str()))
}

impl Unit {
    pub(super) fn only(c: char) -> Self {
        Self::One(Set { none_of: false, ranges: vec![(c, c)] })
    }

    pub(super) fn meet(one: &[Self], other: &[Self]) -> bool {
        meet(
            one,
            other,
            |unit| *unit == Self::Star,
            |one, other| match (one, other) {
                (Self::One(one), Self::One(other)) => one.meets(other),
                _ => true,
            },
        )
    }

    /// The only character it means.
    pub(super) fn plain(&self) -> Option<char> {
        match self {
            Self::One(Set { none_of: false, ranges }) => match ranges.as_slice() {
                [(from, to)] if from == to => Some(*from),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Set {
    fn has(&self, c: char) -> bool {
        c != '/' && self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != self.none_of
    }

    /// The least character that is in both begins a range of one of them, or follows what is in neither.
    fn meets(&self, other: &Self) -> bool {
        let after = |c: char| char::from_u32(u32::from(c) + 1).unwrap_or('\u{e000}');
        let ranges = self.ranges.iter().chain(&other.ranges);
        let starts = ranges.flat_map(|(from, to)| [*from, after(*to)]);
        starts.chain(['\u{1}', after('/')]).any(|c| self.has(c) && other.has(c))
    }
}

/// Whether two rows can be read alike, in which some stand for any number of others.
pub(super) fn meet<T>(
    one: &[T],
    other: &[T],
    many: fn(&T) -> bool,
    alike: fn(&T, &T) -> bool,
) -> bool {
    // How far in `other` one may be after so much of `one`.
    let mut reach = vec![false; other.len() + 1];
    let mut next = reach.clone();
    if let Some(start) = reach.first_mut() {
        *start = true;
    }
    for step in one.iter().map(Some).chain([None]) {
        next.fill(false);
        for at in 0..=other.len() {
            if reach.get(at) != Some(&true) {
                continue;
            }
            let there = other.get(at);
            let [by_one, by_other] = [step, there].map(|it| it.is_some_and(many));
            let both = step.zip(there);
            let goes = |row: &mut [bool], at: usize, may: bool| {
                if let Some(place) = row.get_mut(at).filter(|_| may) {
                    *place = true;
                }
            };
            goes(&mut reach, at + 1, by_other || (by_one && there.is_some()));
            goes(&mut next, at, by_one || (by_other && step.is_some()));
            goes(&mut next, at + 1, both.is_some_and(|(a, b)| !by_one && !by_other && alike(a, b)));
        }
        if step.is_some() {
            std::mem::swap(&mut reach, &mut next);
        }
    }
    reach.last() == Some(&true)
}
