//! Settings of ours in a git configuration file, which go as they came, even when git or a person has
//! written into it. Pure: bytes in, bytes out.

use std::path::Path;

use anyhow::Result;

use crate::git::Setting;
use crate::githook::aside;
use crate::githook::sheet::Sheet;
use crate::githook::whose::{
    gate_of, invented_remotes, is_hooks_path, is_ledger, is_our_dir, names_gate,
};

/// Settings in their order; a key may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings(Vec<Setting>);

impl Settings {
    /// One more setting; `key` as `git config` takes it.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push(Setting::new(key, value));
        self
    }

    /// One `key = value` a line, for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |setting: &Setting| format!("{}.{}", setting.section, setting.line().trim());
        self.0.iter().map(line).collect()
    }

    fn names(&self, other: &Setting) -> bool {
        // Of what is fetched there are many, and one is ours.
        let same = |setting: &Setting| {
            setting.key() == other.key() && is_ledger(setting) == is_ledger(other)
        };
        self.0.iter().any(same)
    }
}

/// The file with our places renewed; `None` when it names none.
pub(super) fn relocate(file: &[u8], here: &Path) -> Result<Option<Vec<u8>>> {
    let at = |path: &str| here.join(path).to_string_lossy().into_owned();
    let mut sheet = Sheet::open(Some(file))?;
    let (mut any, invented) = (false, invented_remotes(sheet.ours.iter()));
    for setting in &mut sheet.ours {
        let name = setting.name.to_ascii_lowercase();
        let kind = setting.section.split_once('.').map_or("", |(kind, _)| kind);
        match (kind, name.as_str()) {
            ("remote", "pushurl") if names_gate(&setting.value) => setting.value = gate_of(here),
            ("remote", "url")
                if invented.contains(&setting.section) && !setting.value.is_empty() =>
            {
                setting.value = here.to_string_lossy().into_owned();
            }
            ("url", _) => setting.section = format!("url.{}", gate_of(here)),
            _ if is_hooks_path(setting) && setting.value.ends_with("shopfloor-hooks") => {
                setting.value = at("shopfloor-hooks");
            }
            _ if is_hooks_path(setting) && is_our_dir(&setting.value) => {
                setting.value = at("shopfloor/hooks");
            }
            _ => continue,
        }
        any = true;
    }
    Ok(sheet.close().filter(|_| any))
}

/// The file with these settings; those of ours with the same names are replaced, others stay.
pub(super) fn put(file: Option<&[u8]>, wanted: &Settings) -> Result<Vec<u8>> {
    Ok(merged(Sheet::open(file)?, wanted))
}

/// The same, and nothing of an earlier `init` stays beside it.
pub(super) fn renew(file: Option<&[u8]>, wanted: &Settings) -> Result<Vec<u8>> {
    let mut sheet = Sheet::open(file)?;
    // What lets work trees have a file of their own is theirs.
    sheet.ours.retain(|setting| setting.section == "extensions" || setting.is("core.bare"));
    Ok(merged(sheet, wanted))
}

fn merged(mut sheet: Sheet, wanted: &Settings) -> Vec<u8> {
    sheet.ours.retain(|setting| !wanted.names(setting));
    for setting in &wanted.0 {
        let behind = sheet.ours.iter().rposition(|other| other.section == setting.section);
        sheet.ours.insert(behind.map_or(sheet.ours.len(), |at| at + 1), setting.clone());
    }
    sheet.close().unwrap_or_default()
}

/// The file with nothing of ours in it, and with everything else; `None` when there was none before us.
pub(super) fn take(file: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut sheet = Sheet::open(Some(file))?;
    sheet.ours.clear();
    sheet.theirs = aside::brought_back(&sheet.theirs, None)?;
    Ok(sheet.close())
}

/// The file without the stand-in for a first remote; `None` when there is none.
pub(super) fn without_stand_in(file: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut sheet = Sheet::open(Some(file))?;
    let known = sheet.ours.len();
    sheet.ours.retain(|setting| !setting.name.eq_ignore_ascii_case("pushInsteadOf"));
    let any = sheet.ours.len() < known;
    Ok(sheet.close().filter(|_| any))
}

/// The remote whose ledger is fetched by our doing, and by which refspec.
pub(super) fn fetched(file: &[u8]) -> Result<Option<(String, String)>> {
    let ours = Sheet::open(Some(file))?.ours;
    let fetch = ours.into_iter().find(|it| is_ledger(it) && it.name.eq_ignore_ascii_case("fetch"));
    Ok(fetch.and_then(|it| Some((it.section.strip_prefix("remote.")?.to_owned(), it.value))))
}

/// The value of a key of ours.
pub(super) fn get(file: &[u8], key: &str) -> Result<Option<String>> {
    let ours = Sheet::open(Some(file))?.ours;
    Ok(ours.into_iter().rfind(|setting| setting.is(key)).map(|setting| setting.value))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::git::config_lines;
    use crate::githook::hooks_path;

    pub(in crate::githook) const CONFIG: &[u8] =
        b"[core]\n\tbare = false\n[remote \"origin\"]\n\turl = /x\n";

    pub(in crate::githook) fn ours() -> Settings {
        Settings::default()
            .with("shopfloor.prefix", "api")
            .with("remote.origin.pushurl", "/r/.git/shopfloor/gate.git")
    }

    #[test]
    fn the_block_reads_as_git_reads_it() {
        let new = String::from_utf8(put(Some(CONFIG), &ours()).unwrap()).unwrap();
        let block = "[shopfloor]\n\t# by shopfloor\n\tprefix = api\n[remote \"origin\"]\n\t# by shopfloor\n\tpushurl = /r/.git/shopfloor/gate.git\n";
        assert_eq!(new, String::from_utf8_lossy(CONFIG).into_owned() + block);
        assert_eq!(get(new.as_bytes(), "shopfloor.prefix").unwrap().as_deref(), Some("api"));
    }

    #[test]
    fn twice_is_once_and_another_value_replaces() {
        let once = put(Some(CONFIG), &ours()).unwrap();
        assert_eq!(put(Some(&once), &ours()).unwrap(), once);
        let other = put(
            Some(&once),
            &Settings::default().with("shopfloor.prefix", "web").with("shopfloor.target", "main"),
        )
        .unwrap();
        assert_eq!(get(&other, "shopfloor.prefix").unwrap().as_deref(), Some("web"));
        assert_eq!(
            get(&other, "remote.origin.pushurl").unwrap().as_deref(),
            Some("/r/.git/shopfloor/gate.git")
        );
        assert_eq!(take(&other).unwrap().as_deref(), Some(CONFIG));
    }

    #[test]
    fn what_git_wrote_into_the_block_survives_it() {
        let new = String::from_utf8(put(Some(CONFIG), &ours()).unwrap()).unwrap();
        let edited = new.replace("gate.git\n", "gate.git\n\ttagOpt = --tags\n");
        let left = String::from_utf8(take(edited.as_bytes()).unwrap().unwrap()).unwrap();
        assert_eq!(left, String::from_utf8_lossy(CONFIG).into_owned() + "\ttagOpt = --tags\n");
    }

    #[test]
    fn what_others_fetch_stays_beside_what_we_do() {
        let spec = |remote: &str| {
            format!("+refs/shopfloor/ledger*:refs/shopfloor/remotes/{remote}/ledger*")
        };
        let ours = |remote: &str| Settings::default().with("remote.origin.fetch", &spec(remote));
        let new = String::from_utf8(put(Some(CONFIG), &ours("origin")).unwrap()).unwrap();
        let line = format!("\tfetch = {}\n", spec("origin"));
        let more =
            new.replace(&line, &format!("{line}\tfetch = +refs/heads/x:refs/remotes/origin/x\n"));
        for again in
            [put(Some(more.as_bytes()), &ours("new")), renew(Some(more.as_bytes()), &ours("new"))]
        {
            let again = String::from_utf8(again.unwrap()).unwrap();
            assert!(
                again.contains("refs/remotes/origin/x\n") && again.contains(&spec("new")),
                "{again}"
            );
            assert_eq!(again.matches("fetch = ").count(), 2, "{again}");
            let left = String::from_utf8(take(again.as_bytes()).unwrap().unwrap()).unwrap();
            let theirs = "\tfetch = +refs/heads/x:refs/remotes/origin/x\n";
            assert_eq!(left, String::from_utf8_lossy(CONFIG).into_owned() + theirs);
        }
    }

    #[test]
    fn a_remote_that_was_given_an_address_stays() {
        let invented = Settings::default()
            .with("remote.origin.url", "/r/.git")
            .with("remote.origin.pushurl", "/r/.git/shopfloor/gate.git");
        let new = put(Some(b"[x]\n"), &invented).unwrap();
        assert_eq!(take(&new).unwrap().unwrap(), b"[x]\n");
        let set = String::from_utf8(new).unwrap().replace("url = /r/.git\n", "url = git@host:x\n");
        let left = take(set.as_bytes()).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(left).unwrap(),
            "[x]\n[remote \"origin\"]\n\turl = git@host:x\n"
        );
    }

    #[test]
    fn places_are_renewed() {
        let old = ours()
            .with("core.hooksPath", "/r/.git/shopfloor/hooks")
            .with("url./r/.git/shopfloor/gate.git.insteadOf", "/p");
        let old = put(Some(CONFIG), &old).unwrap();
        let new = relocate(&old, Path::new("/new/.git")).unwrap().unwrap();
        assert_eq!(
            get(&new, "remote.origin.pushurl").unwrap().as_deref(),
            Some("/new/.git/shopfloor/gate.git")
        );
        assert_eq!(
            get(&new, "core.hooksPath").unwrap().as_deref(),
            Some("/new/.git/shopfloor/hooks")
        );
        assert_eq!(
            get(&new, "url./new/.git/shopfloor/gate.git.insteadOf").unwrap().as_deref(),
            Some("/p")
        );
        assert_eq!(take(&new).unwrap().as_deref(), Some(CONFIG));
        assert_eq!(relocate(CONFIG, Path::new("/new")).unwrap(), None);
    }

    #[test]
    fn values_come_back_as_they_were() {
        for value in ["plain", "", " lead", "a \"b\" \\ c", "x # y", "new\nline"] {
            let file = put(None, &Settings::default().with("shopfloor.bead", value)).unwrap();
            assert_eq!(get(&file, "shopfloor.bead").unwrap().as_deref(), Some(value));
            assert_eq!(take(&file).unwrap(), None);
        }
    }

    #[test]
    fn what_is_left_of_us_is_known_by_what_it_says() {
        let whole = String::from_utf8(put(Some(CONFIG), &all()).unwrap()).unwrap();
        let older = "# >>> shopfloor\n".to_owned()
            + &unmarked(&whole)[CONFIG.len()..]
            + "# <<< shopfloor\n";
        let older = String::from_utf8_lossy(CONFIG).into_owned() + &older;
        let plain = String::from_utf8_lossy(CONFIG).into_owned();
        let without_remote = "[core]\n\tbare = false\n";
        let removed = |text: &str| {
            let sections =
                text.split_inclusive("\n").fold((false, String::new()), |(cut, out), l| {
                    let cut =
                        if l.starts_with('[') { l.starts_with("[remote \"origin\"]") } else { cut };
                    (cut, if cut { out } else { out + l })
                });
            sections.1
        };
        for (text, left) in [
            (whole.clone(), plain.as_str()),
            (unmarked(&whole), &plain),
            (older.clone(), &plain),
            (older.replace("# <<< shopfloor\n", ""), &plain),
            (older.replace("# >>> shopfloor\n", ""), &plain),
            (removed(&whole), without_remote),
            (removed(&older), without_remote),
            (whole.replace("\tpushurl", "\t; mine\n\tpushurl"), &(plain.clone() + "\t; mine\n")),
            (whole.replace("\"origin\"]", "\"up\"]"), &plain.replace("origin", "up")),
        ] {
            let taken = take(text.as_bytes()).unwrap().unwrap();
            assert_eq!(String::from_utf8(taken).unwrap(), left, "{text}");
            assert_eq!(get(text.as_bytes(), "shopfloor.prefix").unwrap().as_deref(), Some("api"));
            let again = renew(Some(text.as_bytes()), &all()).unwrap();
            assert_eq!(take(&again).unwrap().unwrap(), left.as_bytes());
        }
    }

    #[test]
    fn the_file_of_an_agents_work_tree_is_known_without_marks() {
        let outfit = Settings::default()
            .with("user.name", "builder")
            .with("commit.gpgSign", "false")
            .with("shopfloor.identity", "builder")
            .with("shopfloor.bead", "api-1")
            .with("shopfloor.path", "/bin")
            .with("remote.origin.pushurl", "")
            .with("remote.origin.pushurl", "/r/.git/shopfloor/gate.git");
        let whole = String::from_utf8(put(Some(b""), &outfit).unwrap()).unwrap();
        assert_eq!(take(unmarked(&whole).as_bytes()).unwrap().unwrap(), b"");
        let more = unmarked(&whole) + "[user]\n\tsigningKey = mine\n";
        let left = String::from_utf8(take(more.as_bytes()).unwrap().unwrap()).unwrap();
        assert_eq!(left, "[user]\n\tsigningKey = mine\n");
        let before = b"[user]\n\tname = mine\n";
        assert_eq!(take(&put(Some(before), &outfit).unwrap()).unwrap().unwrap(), before);
    }

    #[test]
    fn what_others_say_the_same_way_is_theirs() {
        for text in [
            "[shopfloor]\n\tprefix = web\n\tautorun = false\n",
            "[receive]\n\tadvertisePushOptions = true\n\tprocReceiveRefs = refs/for\n",
            "[remote \"o\"]\n\tpushurl = /other/.git/shopfloor/gate.git\n",
            "[user]\n\tname = builder\n[extensions]\n\tworktreeConfig = true\n[empty]\n",
        ] {
            assert_eq!(take(text.as_bytes()).unwrap().unwrap(), text.as_bytes());
        }
        let whole = String::from_utf8(put(Some(CONFIG), &all()).unwrap()).unwrap();
        for (ours, theirs) in [
            ("advertisePushOptions = true", "[receive]\n\tadvertisePushOptions = false\n"),
            ("prefix = api", "[shopfloor]\n\tcommitOnTarget = allow\n"),
        ] {
            let line = theirs.lines().last().unwrap().trim();
            let text = whole.replace(ours, line);
            let left = String::from_utf8(take(text.as_bytes()).unwrap().unwrap()).unwrap();
            assert_eq!(left, String::from_utf8_lossy(CONFIG).into_owned() + theirs);
        }
    }

    fn all() -> Settings {
        Settings::default()
            .with("shopfloor.prefix", "api")
            .with("shopfloor.path", "/bin")
            .with("receive.procReceiveRefs", "refs/heads/main")
            .with("receive.procReceiveRefs", "refs/shopfloor")
            .with("receive.advertisePushOptions", "true")
            .with("remote.origin.pushurl", "/r/.git/shopfloor/gate.git")
    }

    fn unmarked(text: &str) -> String {
        text.replace("\t# by shopfloor\n", "")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_file_is_the_same_afterwards(parts in vec(select(PARTS), 0..14), cut in 0..4_usize) {
            let whole = parts.concat().into_bytes();
            let file = &whole[..whole.len().saturating_sub(cut)];
            prop_assume!(config_lines(file).is_ok());
            let once = put(Some(file), &all()).unwrap();
            prop_assert_eq!(get(&once, "shopfloor.prefix").unwrap(), Some("api".to_owned()));
            prop_assert_eq!(&put(Some(&once), &all()).unwrap(), &once);
            prop_assert_eq!(&renew(Some(&once), &all()).unwrap(), &once);
            prop_assert_eq!(take(&once).unwrap(), Some(file.to_vec()));
            let led = hooks_path::set(&once, Some("/r/.git/shopfloor-hooks")).unwrap();
            prop_assert_eq!(&hooks_path::set(&led, Some("/r/.git/shopfloor-hooks")).unwrap(), &led);
            prop_assert_eq!(&hooks_path::set(&led, None).unwrap(), &once);
            prop_assert_eq!(take(&led).unwrap(), Some(file.to_vec()));
            prop_assert_eq!(hooks_path::of_others(&led).unwrap(), hooks_path::of_others(file).unwrap());
            let more = b"[branch \"topic\"]\n\tremote = origin\n";
            let left = take(&[&led[..], more].concat()).unwrap().unwrap();
            prop_assert!(left.starts_with(file) && left.ends_with(more));
        }
    }

    /// What configuration files are made of, with and without sense.
    const PARTS: &[&str] = &[
        "[core]\n",
        "[core] ",
        "[CORE]\r\n",
        "[remote \"origin\"]\n",
        "[remote.origin]",
        "[a][b] x = y\n",
        "[shopfloor]\n",
        "[x \"]\\\"#\"] ; c\n",
        "\thooksPath = a\n",
        "hookspath = \"a ; b\" # c\n",
        "\tHooksPath=a\\\n  b\\\r\nc\n",
        "hooksPath\n",
        "\turl = /x\n",
        "pushurl =\n",
        "prefix = api\n",
        "bare = false",
        "\n",
        "\r\n",
        "\t \n",
        "# c \\\n",
        "; c",
        "\tx = a \\\n",
        "\u{feff}",
        "x = \\\\\n",
        "\\",
    ];
}
