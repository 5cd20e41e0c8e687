//! Who called us: the command lines of the processes above this one.

use std::fs;
use std::os::unix::process::parent_id;

use super::identity::asked;

/// Further up nobody is who called a git hook.
const LEVELS: usize = 6;

/// The words of each process above us, nearest first. None where the system does not tell.
pub fn callers() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut pid = parent_id();
    while found.len() < LEVELS && pid > 1 {
        let Some((parent, words)) = by_proc(pid).or_else(|| by_ps(pid)) else { break };
        found.push(words);
        pid = parent;
    }
    found
}

fn by_proc(pid: u32) -> Option<(u32, Vec<String>)> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let words = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Some((parent_of(pid)?, words))
}

/// Where there is no /proc. A word with a blank in it comes as two.
fn by_ps(pid: u32) -> Option<(u32, Vec<String>)> {
    let line = asked("ps", &["-o", "ppid=", "-o", "args=", "-p", &pid.to_string()])?;
    let mut words = line.split_ascii_whitespace().map(str::to_owned);
    Some((words.next()?.parse().ok()?, words.collect()))
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

    #[test]
    #[cfg(target_os = "linux")]
    fn ps_tells_what_proc_tells() {
        if asked("ps", &["-o", "ppid=", "-p", "1"]).is_none() {
            return;
        }
        let (parent, words) = by_proc(parent_id()).unwrap();
        let words = words.join(" ").split_ascii_whitespace().map(str::to_owned).collect();
        assert_eq!(by_ps(parent_id()), Some((parent, words)));
    }
}
