//! The processes that the system lists as files: which there are, and what it says of each.

use std::fs;

/// The ids of all processes, where the system lists them as files.
pub(super) fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What is looked at in a process.
pub(super) struct Facts {
    /// The boot and the moment it started.
    pub(super) start: String,
    pub(super) group: u32,
    pub(super) zombie: bool,
}

pub(super) fn facts(pid: u32) -> Option<Facts> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (state, group, ticks) = stat_fields(&stat)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(Facts {
        start: format!("{} {ticks}", boot.trim()),
        group,
        zombie: matches!(state, "Z" | "X" | "x"),
    })
}

/// State, process group and start time; the name before them may hold spaces and parentheses.
fn stat_fields(stat: &str) -> Option<(&str, u32, &str)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some((fields.first()?, fields.get(2)?.parse().ok()?, fields.get(19)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_hides_nothing() {
        let tail = "S 1 77 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(stat_fields(&format!("9 (a) b (c) {tail}")), Some(("S", 77, "4242")));
        assert_eq!(stat_fields("9 (short) S 1 77"), None);
        assert_eq!(stat_fields(""), None);
    }
}
