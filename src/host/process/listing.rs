//! The processes that the system lists as files: which there are, and what it says of each.

use std::fs;

/// `PF_KTHREAD` of the kernel's own headers.
const OF_THE_KERNEL: u32 = 0x0020_0000;

/// The ids of all processes, where the system lists them as files.
pub(super) fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What is looked at in a process.
pub(super) struct Facts {
    /// The boot and the moment it started.
    pub(super) start: String,
    pub(super) parent: u32,
    pub(super) group: u32,
    pub(super) session: u32,
    /// A part of the kernel that is listed as a process.
    pub(super) kernel: bool,
    pub(super) zombie: bool,
}

pub(super) fn facts(pid: u32) -> Option<Facts> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (state, [parent, group, session, flags], ticks) = stat_fields(&stat)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(Facts {
        start: format!("{} {ticks}", boot.trim()),
        parent,
        group,
        session,
        kernel: flags & OF_THE_KERNEL != 0,
        zombie: matches!(state, "Z" | "X" | "x"),
    })
}

/// State; parent, process group, session and flags; start time. The name before them may hold spaces and
/// parentheses.
fn stat_fields(stat: &str) -> Option<(&str, [u32; 4], &str)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse().ok();
    Some((fields.first()?, [number(1)?, number(2)?, number(3)?, number(6)?], fields.get(19)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_hides_nothing() {
        let tail = "S 1 77 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(stat_fields(&format!("9 (a) b (c) {tail}")), Some(("S", [1, 77, 3, 6], "4242")));
        assert_eq!(stat_fields("9 (short) S 1 77"), None);
        assert_eq!(stat_fields(""), None);
    }
}
