//! Who called us: the command lines of the processes above this one.

use std::fs;
use std::os::unix::process::parent_id;

/// Further up nobody is who called a git hook.
const LEVELS: usize = 6;

/// The words of each process above us, nearest first. None where the system does not tell.
pub fn callers() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut pid = parent_id();
    while found.len() < LEVELS && pid > 1 {
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { break };
        let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        found.push(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect());
        let Some(parent) = parent_of(pid) else { break };
        pid = parent;
    }
    found
}

/// The second field behind the name, which stands in brackets and may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn somebody_called_us() {
        let callers = callers();
        assert!(callers.first().is_some_and(|words| !words.is_empty()), "{callers:?}");
    }
}
