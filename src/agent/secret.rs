//! Secrets that a text may hold, found by their shape. The rules are data; what they find is replaced by
//! `[secret:RULE]` before anything is written. Pure.

/// What gives a secret away.
enum Shape {
    /// It begins so, and goes on for at least so many letters, digits and these.
    Token(&'static str, usize, &'static str),
    /// It stands behind this word, whatever it is, and has at least so many characters.
    Behind(&'static str, usize),
    /// It is the value of something that is called so.
    Value(&'static str),
}

use Shape::{Behind, Token, Value};

/// The more exact come first.
const RULES: &[(&str, Shape)] = &[
    ("aws", Token("AKIA", 16, "")),
    ("aws", Token("ASIA", 16, "")),
    ("github", Token("github_pat_", 22, "_")),
    ("github", Token("ghp_", 30, "")),
    ("github", Token("gho_", 30, "")),
    ("github", Token("ghu_", 30, "")),
    ("github", Token("ghs_", 30, "")),
    ("github", Token("ghr_", 30, "")),
    ("gitlab", Token("glpat-", 20, "-_")),
    ("slack", Token("xoxb-", 10, "-")),
    ("slack", Token("xoxp-", 10, "-")),
    ("slack", Token("xoxa-", 10, "-")),
    ("slack", Token("xoxr-", 10, "-")),
    ("slack", Token("xoxs-", 10, "-")),
    ("slack", Token("xapp-", 10, "-")),
    ("stripe", Token("sk_live_", 16, "")),
    ("stripe", Token("rk_live_", 16, "")),
    ("npm", Token("npm_", 30, "")),
    ("google", Token("AIza", 35, "-_")),
    ("model", Token("sk-", 20, "-_")),
    ("jwt", Token("eyJ", 30, "-_.")),
    ("bearer", Behind("bearer ", 8)),
    ("basic", Behind("authorization: basic ", 8)),
    ("password", Value("password")),
    ("password", Value("passwd")),
    ("password", Value("passphrase")),
    ("password", Value("pwd")),
    ("key", Value("access_key")),
    ("key", Value("api_key")),
    ("key", Value("api-key")),
    ("key", Value("apikey")),
    ("key", Value("private_key")),
    ("token", Value("token")),
    ("secret", Value("secret")),
];

/// The text without what the rules find in it.
pub(crate) fn hide(text: &str) -> String {
    let mut text = keys(text);
    text = addresses(&text);
    for (name, shape) in RULES {
        text = replace(&text, &format!("[secret:{name}]"), shape);
    }
    text
}

fn replace(text: &str, with: &str, shape: &Shape) -> String {
    let mark = match shape {
        Token(mark, ..) | Behind(mark, _) | Value(mark) => *mark,
    };
    // Of the same length: only ASCII changes.
    let low = text.to_ascii_lowercase();
    let seen = if matches!(shape, Token(..)) { text } else { low.as_str() };
    let (mut out, mut from) = (String::new(), 0);
    while let Some(at) = seen.get(from..).and_then(|rest| rest.find(mark)).map(|at| at + from) {
        let after = at + mark.len();
        match found(text, at, after, shape) {
            Some((start, end)) => {
                out.push_str(text.get(from..start).unwrap_or_default());
                out.push_str(with);
                from = end;
            }
            None => {
                out.push_str(text.get(from..after).unwrap_or_default());
                from = after;
            }
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// From where to where the secret stands whose mark this is.
fn found(text: &str, at: usize, after: usize, shape: &Shape) -> Option<(usize, usize)> {
    let rest = text.get(after..)?;
    let length = |fits: &dyn Fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
    match shape {
        Token(_, least, also) => {
            let before = text.get(..at)?.chars().next_back();
            let long = length(&|c| c.is_ascii_alphanumeric() || also.contains(c));
            let begins = before.is_none_or(|c| !c.is_ascii_alphanumeric());
            (begins && long >= *least).then_some((at, after + long))
        }
        Behind(_, least) => {
            let long = length(&|c| !ends(c));
            (long >= *least && !rest.starts_with('[')).then_some((after, after + long))
        }
        Value(_) => {
            // What was hidden before is called so, too.
            if text.get(..at)?.ends_with('[') {
                return None;
            }
            let start = after + value(rest)?;
            let value = text.get(start..)?;
            let long = value.find(ends).unwrap_or(value.len());
            // What names a variable tells nothing.
            let told = long > 0 && !value.starts_with(['$', '[', '{', '<']);
            told.then_some((start, start + long))
        }
    }
}

/// Where the value begins behind a name: `=x`, `": "x`, ` x` behind an option.
fn value(rest: &str) -> Option<usize> {
    let quotes = ['"', '\''];
    let bare = rest.trim_start_matches(quotes);
    let bare = bare.trim_start_matches(' ');
    let bare = bare.strip_prefix(['=', ':'])?;
    let bare = bare.trim_start_matches(' ').trim_start_matches(quotes);
    Some(rest.len() - bare.len())
}

fn ends(c: char) -> bool {
    c.is_whitespace() || ['"', '\'', ',', ';', '&', '`', ')'].contains(&c)
}

/// Private keys, from their headers to their ends.
fn keys(text: &str) -> String {
    const ENDS: &str = "-----";
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("-----BEGIN ") {
        let (label, body) = after.split_once(ENDS).unwrap_or((after, ""));
        out.push_str(before);
        if label.len() > 64 || !label.ends_with("PRIVATE KEY") {
            out.push_str("-----BEGIN ");
            rest = after;
            continue;
        }
        out.push_str("[secret:private-key]");
        rest = match body.split_once(&format!("-----END {label}{ENDS}")) {
            Some((_, behind)) => behind,
            None => "",
        };
    }
    out.push_str(rest);
    out
}

/// What stands before the `@` of an address behind a `:`.
fn addresses(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        rest = after;
        let host = after.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        if let Some((user, at)) = host.rsplit_once('@')
            && let Some((name, word)) = user.split_once(':')
            && !word.is_empty()
        {
            out.push_str(&format!("{name}:[secret:url]@{at}"));
            rest = after.get(host.len()..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_hidden() {
        let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        for (text, hidden) in [
            ("AKIAIOSFODNN7EXAMPLE".to_owned(), "[secret:aws]"),
            (format!("git clone with ghp_{long} now"), "git clone with [secret:github] now"),
            (format!("(github_pat_{long}_x)"), "([secret:github])"),
            ("xoxb-123456789012-abc, and".to_owned(), "[secret:slack], and"),
            ("glpat-abcdefghij0123456789".to_owned(), "[secret:gitlab]"),
            (format!("sk-ant-{long}"), "[secret:model]"),
            (format!("eyJhbGciOi.{long}.x"), "[secret:jwt]"),
            (format!("AIza{long}"), "[secret:google]"),
            (
                format!("curl -H 'Authorization: Bearer {long}'"),
                "curl -H 'Authorization: Bearer [secret:bearer]'",
            ),
            ("Authorization: Basic dXNlcjpwYXNz".to_owned(), "Authorization: Basic [secret:basic]"),
            ("mysql --password=hunter2 db".to_owned(), "mysql --password=[secret:password] db"),
            ("{\"password\": \"hunter2\"}".to_owned(), "{\"password\": \"[secret:password]\"}"),
            ("DB_PASSWORD=x1 run".to_owned(), "DB_PASSWORD=[secret:password] run"),
            ("AWS_SECRET_ACCESS_KEY=abc/def+1".to_owned(), "AWS_SECRET_ACCESS_KEY=[secret:key]"),
            ("x-api-key: 12345".to_owned(), "x-api-key: [secret:key]"),
            ("GITHUB_TOKEN='abc' make".to_owned(), "GITHUB_TOKEN='[secret:token]' make"),
            (
                "postgres://joe:pw@db/x and http://a/b".to_owned(),
                "postgres://joe:[secret:url]@db/x and http://a/b",
            ),
            (format!("key:\n{pem}\nend"), "key:\n[secret:private-key]\nend"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE".to_owned(), "[secret:private-key]"),
            (format!("ä ghp_{long} ö ghp_{long}"), "ä [secret:github] ö [secret:github]"),
        ] {
            assert_eq!(hide(&text), hidden, "{text}");
            assert_eq!(hide(hidden), hidden);
        }
    }

    #[test]
    fn what_only_speaks_of_one_stays() {
        for text in [
            "",
            "the password field is required",
            "tokens=812",
            "bearer of news",
            "password=$DB_PASSWORD",
            "TOKEN=${TOKEN}",
            "ghp_short",
            "AKIA",
            "task-1234567890123456789012",
            "git@github.com:a/b.git and https://example.org:8080/x",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "src/token.rs",
        ] {
            assert_eq!(hide(text), text);
        }
    }
}
