//! The comments of a bead that is here and those that another tool has of it: which of them are the same,
//! which were written anew there, and which are others. Pure.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::bead::field;
use crate::bead::fields::Comment;
use crate::ledger::same_text;

/// How many comments like this one stand before it in its record; none where no other has its author and
/// its time.
pub(super) type Echo = Option<usize>;

/// Who said it, and when. Another tool's numbers are given anew, and to others, so they do not count.
fn place(comment: &Comment) -> (String, String) {
    let when = field::stamp(&comment.created_at);
    (comment.author.clone(), when.unwrap_or_else(|| comment.created_at.clone()))
}

/// Whether two of one place are one.
fn is_like(one: &Comment, other: &Comment) -> bool {
    same_text(&one.text, &other.text) && (!one.created_at.is_empty() || one.id == other.id)
}

pub(super) fn echoes(record: &[Comment]) -> Vec<Echo> {
    let mut places = HashMap::<_, Vec<&Comment>>::new();
    for comment in record {
        places.entry(place(comment)).or_default().push(comment);
    }
    let mut before = HashMap::<_, Vec<&Comment>>::new();
    let echo = |comment| {
        let place = place(comment);
        let is_alone = places.get(&place).is_none_or(|all| all.len() == 1);
        let before = before.entry(place).or_default();
        let like = before.iter().filter(|known| is_like(known, comment)).count();
        before.push(comment);
        (!is_alone).then_some(like)
    };
    record.iter().map(echo).collect()
}

/// Puts in what was not said before, and says whether there was any. `age` is that of the record against
/// the one that was heard last.
pub(super) fn join(known: &mut Vec<Comment>, theirs: Vec<(Comment, Echo)>, age: Ordering) -> bool {
    let mut places = HashMap::<_, Vec<usize>>::new();
    for (at, comment) in known.iter().enumerate() {
        places.entry(place(comment)).or_default().push(at);
    }
    let mut is_new = false;
    for (comment, echo) in theirs {
        let here = places.entry(place(&comment)).or_default();
        let like = |at: &&usize| known.get(**at).is_some_and(|known| is_like(known, &comment));
        if here.iter().filter(like).count() > echo.unwrap_or(0) {
            continue;
        }
        if let (None, [only]) = (echo, here.as_slice())
            && let Some(old) = known.get_mut(*only)
            && !old.id.is_empty()
            && old.id == comment.id
            && age.is_ne()
        {
            if age.is_gt() {
                *old = comment;
                is_new = true;
            }
            continue;
        }
        here.push(known.len());
        known.push(comment);
        is_new = true;
    }
    is_new
}
