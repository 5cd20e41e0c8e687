//! Where a configuration file has git look for its hooks: at ours, or where it said without us. What others
//! said stands aside meanwhile. Pure: bytes in, bytes out.

use anyhow::Result;

use crate::git::{Setting, config_lines};
use crate::githook::aside;
use crate::githook::sheet::Sheet;
use crate::githook::whose::is_hooks_path;

const HOOKS_PATH: &str = "core.hooksPath";

/// The hooks path that this file would say without us: what a hook manager has written over ours,
/// else what stands aside for it.
pub(super) fn of_others(file: &[u8]) -> Result<Option<String>> {
    let theirs = Sheet::open(Some(file))?.theirs;
    let theirs = config_lines(&aside::brought_back(&theirs, Some(HOOKS_PATH))?)?;
    let all = theirs.into_iter().filter_map(|line| line.setting);
    Ok(all.rev().find(is_hooks_path).map(|setting| setting.value))
}

/// The file with a hooks path of ours, or with the one it has without us; never with two values, over
/// which `git config core.hooksPath` of a hook manager would fail.
pub(super) fn set(file: &[u8], ours: Option<&str>) -> Result<Vec<u8>> {
    let mut sheet = Sheet::open(Some(file))?;
    sheet.ours.retain(|setting| !is_hooks_path(setting));
    sheet.theirs = aside::brought_back(&sheet.theirs, Some(HOOKS_PATH))?;
    if let Some(ours) = ours {
        sheet.theirs = aside::set_aside(&sheet.theirs, HOOKS_PATH)?.0;
        sheet.ours.push(Setting::new(HOOKS_PATH, ours));
    }
    Ok(sheet.close().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::githook::settings::tests::{CONFIG, ours as settings};
    use crate::githook::settings::{get, put, take};

    #[test]
    fn there_is_one_hooks_path_and_it_comes_back() {
        let ours = "/r/.git/shopfloor-hooks";
        let theirs = b"[core]\n\tbare = false\n\thookspath=\"a b\"\n[alias]\n\thooksPath = x\n";
        for before in [CONFIG, &theirs[..], b"[core]\n\thooksPath = a\n[core]\n\thooksPath = b"] {
            let bare = put(Some(before), &settings()).unwrap();
            let new = set(&bare, Some(ours)).unwrap();
            assert_eq!(set(&new, Some(ours)).unwrap(), new, "twice is once");
            let text = String::from_utf8_lossy(&new);
            let live = text.lines().filter(|line| line.starts_with("\thooksPath = /r/"));
            assert_eq!(live.count(), 1, "{text}");
            assert_eq!(get(&new, "core.hooksPath").unwrap().as_deref(), Some(ours));
            assert_eq!(set(&new, None).unwrap(), bare);
            assert_eq!(take(&new).unwrap().as_deref(), Some(before));
        }
        let new = set(theirs, Some(ours)).unwrap();
        assert_eq!(of_others(&new).unwrap().as_deref(), Some("a b"));
    }

    #[test]
    fn a_hooks_path_written_over_ours_stands_where_git_would_have_put_it() {
        for (before, after) in [
            (
                "[core]\n\thooksPath = a\n\tbare = false\n",
                "[core]\n\thooksPath = .husky/_\n\tbare = false\n",
            ),
            (
                "[alias]\n\tst = status\n",
                "[alias]\n\tst = status\n[core]\n\thooksPath = .husky/_\n",
            ),
            ("[core] bare = false", "[core] bare = false\n\thooksPath = .husky/_\n"),
        ] {
            let bare = put(Some(before.as_bytes()), &settings()).unwrap();
            let new = set(&bare, Some("/r/.git/shopfloor-hooks")).unwrap();
            let over =
                String::from_utf8(new).unwrap().replace("/r/.git/shopfloor-hooks", ".husky/_");
            let over = over.as_bytes();
            assert_eq!(of_others(over).unwrap().as_deref(), Some(".husky/_"));
            assert_eq!(String::from_utf8(take(over).unwrap().unwrap()).unwrap(), after);
            let again = set(over, Some("/r/.git/shopfloor-hooks")).unwrap();
            assert_eq!(of_others(&again).unwrap().as_deref(), Some(".husky/_"));
            assert_eq!(String::from_utf8(take(&again).unwrap().unwrap()).unwrap(), after);
        }
    }
}
