//! A face as it is saved: two bytes, how long each text is, and the texts as one. It is read a hundred
//! thousand times in a row, so it is in no form that has to be taken apart field by field.

use super::Face;

const CLAIMED: u8 = 1;
const ASSIGNED: u8 = 2;
const PUT_OFF: u8 = 4;
const ASIDE: u8 = 8;
/// Lengths and counts are of four bytes each; else they are of one.
const WIDE: u8 = 16;

/// The texts that each has, there or empty.
const TEXTS: usize = 7;

pub(super) fn write(face: &Face<'_>, to: &mut Vec<u8>) -> Option<()> {
    let own = [
        face.status,
        face.issue_type,
        face.assignee.unwrap_or_default(),
        face.created_at,
        face.updated_at,
        face.defer_until.unwrap_or_default(),
        face.aside.unwrap_or_default(),
    ];
    let edges = face.edges.iter().flat_map(|(kind, to)| [*kind, *to]);
    let texts: Vec<&str> =
        own.into_iter().chain(face.labels.iter().copied()).chain(edges).collect();
    let lengths = texts.iter().map(|text| text.len());
    let numbers: Vec<_> =
        [face.labels.len(), face.edges.len()].into_iter().chain(lengths).collect();
    let is_wide = numbers.iter().any(|number| *number > usize::from(u8::MAX));
    let flag = |is_so: bool, flag: u8| if is_so { flag } else { 0 };
    let flags = flag(face.is_claimed, CLAIMED)
        | flag(face.assignee.is_some(), ASSIGNED)
        | flag(face.defer_until.is_some(), PUT_OFF)
        | flag(face.aside.is_some(), ASIDE)
        | flag(is_wide, WIDE);
    to.extend([flags, face.priority]);
    for number in numbers {
        let bytes = u32::try_from(number).ok()?.to_le_bytes();
        to.extend(bytes.into_iter().take(if is_wide { 4 } else { 1 }));
    }
    for text in texts {
        to.extend_from_slice(text.as_bytes());
    }
    Some(())
}

/// The texts one after the other, and how long each is.
struct Texts<'a> {
    lengths: &'a [u8],
    is_wide: bool,
    rest: &'a str,
}

impl<'a> Texts<'a> {
    #[inline]
    fn number(&mut self) -> Option<usize> {
        if self.is_wide {
            let (number, rest) = self.lengths.split_first_chunk::<4>()?;
            self.lengths = rest;
            return Some(u32::from_le_bytes(*number) as usize);
        }
        let (number, rest) = self.lengths.split_first()?;
        self.lengths = rest;
        Some(usize::from(*number))
    }

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }
}

pub(super) fn read(saved: &[u8]) -> Option<Face<'_>> {
    let ([flags, priority], rest) = saved.split_first_chunk::<2>()?;
    let has = |flag: u8| flags & flag != 0;
    let mut counts = Texts { lengths: rest, is_wide: has(WIDE), rest: "" };
    let (labels, edges) = (counts.number()?, counts.number()?);
    let each = if has(WIDE) { 4 } else { 1 };
    let all = edges.checked_mul(2)?.checked_add(labels)?.checked_add(TEXTS)?;
    let (lengths, rest) = counts.lengths.split_at_checked(all.checked_mul(each)?)?;
    let mut texts = Texts { lengths, is_wide: has(WIDE), rest: std::str::from_utf8(rest).ok()? };
    Some(Face {
        priority: *priority,
        is_claimed: has(CLAIMED),
        status: texts.next()?,
        issue_type: texts.next()?,
        assignee: texts.next().filter(|_| has(ASSIGNED)),
        created_at: texts.next()?,
        updated_at: texts.next()?,
        defer_until: texts.next().filter(|_| has(PUT_OFF)),
        aside: texts.next().filter(|_| has(ASIDE)),
        labels: (0..labels).map_while(|_| texts.next()).collect(),
        edges: (0..edges).map_while(|_| Some((texts.next()?, texts.next()?))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_face_comes_back_as_it_was_saved(
            texts in prop::array::uniform4("\\PC{0,300}"),
            [assignee, defer_until, aside] in prop::array::uniform3(prop::option::of("\\PC{0,9}")),
            labels in prop::collection::vec("[a-z]{0,3}", 0..300),
            edges in prop::collection::vec(("[a-z]{0,3}", "[a-z]{0,3}"), 0..4),
            (priority, is_claimed) in any::<(u8, bool)>(),
            cut: prop::sample::Index,
        ) {
            let [status, issue_type, created_at, updated_at] = texts.each_ref().map(String::as_str);
            let face = Face {
                status,
                priority,
                issue_type,
                assignee: assignee.as_deref(),
                is_claimed,
                created_at,
                updated_at,
                defer_until: defer_until.as_deref(),
                aside: aside.as_deref(),
                labels: labels.iter().map(String::as_str).collect(),
                edges: edges.iter().map(|(kind, to)| (kind.as_str(), to.as_str())).collect(),
            };
            let mut saved = Vec::new();
            write(&face, &mut saved).unwrap();
            prop_assert_eq!(read(&saved), Some(face));
            // What is cut off ends in nothing or in fewer texts, never in a panic.
            drop(read(&saved[..cut.index(saved.len())]));
        }
    }
}
