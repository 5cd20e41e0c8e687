//! What is wrong with the file of packed refs. We pass over a line that is none; git then reads no ref of
//! that file, and fails whatever it is asked.

use std::fs;
use std::path::PathBuf;

use super::{Oid, Repo};

/// What git does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unpacked {
    /// These lines, counted from one, say nothing that is a ref.
    Lines(Vec<usize>),
    /// The last line has no end.
    NoEnd,
}

impl Repo {
    /// The file, where something is wrong with it.
    pub fn unpacked(&self) -> Option<(PathBuf, Unpacked)> {
        let path = self.common_dir().join("packed-refs");
        let text = fs::read(&path).ok()?;
        Some((path, unpacked(&String::from_utf8_lossy(&text))?))
    }
}

fn unpacked(text: &str) -> Option<Unpacked> {
    let mut after_ref = false;
    let mut bad = Vec::new();
    for (nth, line) in text.lines().enumerate() {
        let is_id = |id: &str| id.parse::<Oid>().is_ok();
        let is_ref = line.split_once(' ').is_some_and(|(id, name)| is_id(id) && !name.is_empty());
        let is_peeled = after_ref && line.strip_prefix('^').is_some_and(is_id);
        let is_head = nth == 0 && line.starts_with('#');
        if !is_ref && !is_peeled && !is_head {
            bad.push(nth + 1);
        }
        after_ref = is_ref;
    }
    match bad.is_empty() {
        false => Some(Unpacked::Lines(bad)),
        true => (!text.is_empty() && !text.ends_with('\n')).then_some(Unpacked::NoEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_takes_and_what_not() {
        let one = format!("{} refs/heads/one\n", "1".repeat(40));
        let (head, peeled) = ("# pack-refs with: peeled \n", format!("^{}\n", "2".repeat(40)));
        for (text, found) in [
            (String::new(), None),
            (format!("{head}{one}{peeled}{one}"), None),
            (one.clone(), None),
            (format!("{one}{head}"), Some(Unpacked::Lines(vec![2]))),
            (format!("{head}garbage\n{one}1234 refs/x\n"), Some(Unpacked::Lines(vec![2, 4]))),
            (format!("{head}{peeled}{one}"), Some(Unpacked::Lines(vec![2]))),
            (format!("{head}{one}{peeled}{peeled}"), Some(Unpacked::Lines(vec![4]))),
            (format!("{head}{one}\n"), Some(Unpacked::Lines(vec![3]))),
            (one.trim_end().to_owned(), Some(Unpacked::NoEnd)),
        ] {
            assert_eq!(unpacked(&text), found, "{text}");
        }
    }
}
