//! Signatures by SSH keys, with the program, the key and the list of signers that git itself would use.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Repo;
use crate::host::process::{End, Outcome, Program};
use crate::host::share;
use crate::refusal::Refusal;

/// Long enough for somebody to type a passphrase or to touch a key.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a signature is made with.
const KEY: &str = "user.signingKey";
const SIGNERS: &str = "gpg.ssh.allowedSignersFile";

/// A text, and for what use it is signed: a signature for another use is none.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    pub text: &'a str,
    pub namespace: &'a str,
}

/// What a signature is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// By an allowed signer, with one of his keys.
    By {
        who: String,
        key: String,
    },
    /// It fits, and nobody has said here whose key that is.
    Key(String),
    /// It fits, and whoever has that key may not sign here: nobody's word, and no forgery either.
    Stranger {
        key: String,
        why: String,
    },
    No(String),
}

impl Repo {
    /// Signs with the key with which git would sign.
    pub fn sign(&self, said: Statement<'_>) -> Result<String> {
        let format = self.config_get("gpg.format")?;
        let key = self.config_get(KEY)?.filter(|_| format.as_deref() == Some("ssh"));
        let Some(key) = key else {
            let what = match format.as_deref() {
                Some("ssh") => format!("there is no key to sign with: git config {KEY} is not set"),
                _ => {
                    "there is no SSH key to sign with: git config gpg.format is not ssh".to_owned()
                }
            };
            return Err(Refusal::refused(what)
                .hint("git config gpg.format ssh")
                .hint(format!("git config {KEY} ~/.ssh/id_ed25519.pub"))
                .into());
        };
        let dir = tempfile::tempdir().context("making a place for what is to be signed")?;
        let (text, mut args) = (dir.path().join("text"), words("-Y sign -n"));
        share::write(&text, said.text).context("writing what is to be signed")?;
        let file = self.key_file(&key, dir.path())?;
        args.extend([said.namespace.into(), "-f".into(), file.into()]);
        args.extend(literal(&key).map(|_| "-U".into()));
        args.push(text.clone().into());
        let outcome = self.keygen(args, "")?;
        let made = std::fs::read_to_string(text.with_extension("sig"));
        match made.ok().filter(|_| outcome.succeeded()) {
            Some(signature) => Ok(signature),
            None => Err(Refusal::refused(format!("nothing was signed: {}", told(&outcome)))
                .hint(format!("git config {KEY} is {key}"))
                .hint("a key with a passphrase has to be in the agent: ssh-add")
                .into()),
        }
    }

    /// The key with which git would sign, as a signature by it is told; none where that cannot be said.
    pub fn signing_key(&self) -> Result<Option<String>> {
        let Some(key) = self.config_get(KEY)? else { return Ok(None) };
        let dir = tempfile::tempdir().context("making a place for a key")?;
        let file = self.key_file(&key, dir.path())?;
        let outcome = self.keygen(["-l".into(), "-f".into(), file.into()].into(), "")?;
        let out = String::from_utf8_lossy(&outcome.out);
        Ok(out.split(' ').nth(1).filter(|_| outcome.succeeded()).map(str::to_owned))
    }

    fn key_file(&self, key: &str, dir: &Path) -> Result<PathBuf> {
        let Some(literal) = literal(key) else { return Ok(self.expand(key)) };
        let file = dir.join("key");
        share::write(&file, literal).context("writing the key to sign with")?;
        Ok(file)
    }

    /// Whose signature it is, for the one who was allowed to sign at that time: fourteen digits, in UTC.
    pub fn signed_by(&self, said: Statement<'_>, signature: &str, at: &str) -> Result<Signed> {
        let mut file = tempfile::NamedTempFile::new().context("making a place for a signature")?;
        file.write_all(signature.as_bytes()).context("writing a signature")?;
        let ask = |how: &str, more: &[OsString], text: &str| {
            let mut args = words("-Y");
            args.extend([how.into(), "-s".into(), file.path().into()]);
            args.push(format!("-Overify-time={at}").into());
            args.extend_from_slice(more);
            self.keygen(args, text)
        };
        let space = ["-n".into(), said.namespace.into()];
        let sound = ask("check-novalidate", &space, said.text)?;
        let Some(key) = key_of(&sound) else { return Ok(Signed::No(told(&sound))) };
        let Some(list) = self.config_get(SIGNERS)? else { return Ok(Signed::Key(key)) };
        let file = self.expand(&list);
        let mut why = format!("{key} is no key of a signer in {}", file.display());
        if !self.work_dir().unwrap_or_else(|| self.common_dir()).join(&file).is_file() {
            why.push_str(", which is no file");
        }
        let list: [OsString; 2] = ["-f".into(), file.into()];
        let found = ask("find-principals", &list, "")?;
        let names = String::from_utf8_lossy(&found.out).into_owned();
        let mut last = found.end.clone();
        let mut more = [space.as_slice(), &list].concat();
        if let Some(revoked) = self.config_get("gpg.ssh.revocationFile")? {
            more.extend(["-r".into(), self.expand(&revoked).into()]);
        }
        for who in names.lines().filter(|_| found.succeeded()) {
            let checked =
                ask("verify", &[more.as_slice(), &["-I".into(), who.into()]].concat(), said.text)?;
            match key_of(&checked) {
                Some(key) => return Ok(Signed::By { who: who.to_owned(), key }),
                None => why = format!("{why}: {}", told(&checked)),
            }
            last = checked.end;
        }
        Ok(match last {
            End::Exit(_) => Signed::Stranger { key, why },
            end => Signed::No(format!("{why}: {end:?}")),
        })
    }

    fn keygen(&self, args: Vec<OsString>, input: &str) -> Result<Outcome> {
        let setting = self.config_get("gpg.ssh.program")?;
        let name = setting.as_deref().unwrap_or("ssh-keygen");
        let missing = |why: &str| {
            Refusal::refused(format!("{name} cannot be run: {why}"))
                .hint("it comes with OpenSSH; git config gpg.ssh.program names another one")
        };
        let path = self.expand(name);
        let path =
            self.env().path_of(&path.to_string_lossy()).ok_or_else(|| missing("not found"))?;
        let program = Program::new(path)
            .full_env(self.env().iter())
            .env("PATH", self.env().search_path())
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            // It has no terminal to ask on, and must not wait for one.
            .env("SSH_ASKPASS_REQUIRE", "force")
            .dir(self.work_dir().unwrap_or_else(|| self.common_dir()));
        let outcome = program.args(args).input(input.into()).timeout(PATIENCE).run();
        match &outcome.end {
            End::NotStarted(why) => Err(missing(why).into()),
            _ => Ok(outcome),
        }
    }

    /// A path in a setting.
    fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.env().home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => path.into(),
        }
    }
}

/// A key that is named by itself, because an agent holds it: as git has it. Any other is a file.
fn literal(key: &str) -> Option<&str> {
    key.strip_prefix("key::").or_else(|| key.starts_with("ssh-").then_some(key))
}

fn words(text: &str) -> Vec<OsString> {
    text.split(' ').map(Into::into).collect()
}

/// The key of a signature that was found to be good.
fn key_of(outcome: &Outcome) -> Option<String> {
    let out = String::from_utf8_lossy(&outcome.out);
    let good = out.lines().find(|line| outcome.succeeded() && line.starts_with("Good "))?;
    Some(good.rsplit_once(" key ")?.1.to_owned())
}

/// Why it said no.
fn told(outcome: &Outcome) -> String {
    let said = String::from_utf8_lossy(&outcome.err);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    match (&outcome.end, last) {
        (End::Timeout, _) => "no end after a minute".to_owned(),
        (_, Some(line)) => line.trim().to_owned(),
        (end, None) => format!("{end:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(code: i32, out: &str, err: &str) -> Outcome {
        let (out, err) = (out.into(), err.into());
        Outcome { end: End::Exit(code), out, err, took: Duration::ZERO }
    }

    #[test]
    fn a_good_signature_is_one_of_which_the_program_says_so_and_ends_well() {
        let good = "Good \"n\" signature for jane@example.org with ED25519 key SHA256:abc\n";
        for (code, out, key) in [
            (0, good, Some("SHA256:abc")),
            (0, "Good \"n\" signature with ED25519 key SHA256:abc\n", Some("SHA256:abc")),
            (255, good, None),
            (0, "Could not verify signature.\n", None),
            (0, "Bad: Good \"n\" signature with ED25519 key SHA256:abc\n", None),
            (0, "", None),
        ] {
            assert_eq!(key_of(&outcome(code, out, "")).as_deref(), key, "{out}");
        }
    }

    #[test]
    fn the_last_word_of_the_program_is_why() {
        assert_eq!(told(&outcome(255, "", "hint\nno such key\n\n")), "no such key");
        let late = Outcome { end: End::Timeout, ..outcome(0, "", "") };
        assert_eq!(told(&late), "no end after a minute");
    }
}
