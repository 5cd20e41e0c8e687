//! The words in which beads are asked for: `status=open AND (priority<=1 OR label=auth)`. Pure; what a
//! date means, its caller says.

use crate::bead::filter::{Cond, Field, Means, Op, Test, Value};
use crate::bead::spelling::{is_none, is_plain};
use crate::bead::words::usual_type;

/// So many parentheses and NOTs may stand within each other.
const DEEPEST: usize = 64;

/// What is wrong with a query, and at which of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub at: usize,
    pub what: String,
}

/// From which moment to which a date lasts; none for what is no date.
pub type When<'w> = &'w dyn Fn(&str) -> Option<(String, String)>;

/// What a query asks for.
pub fn parse(text: &str, when: When<'_>) -> Result<Cond, Wrong> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, end: text.len(), when };
    let cond = parser.either(0)?;
    match parser.tokens.first() {
        None => Ok(cond),
        Some(token) => {
            Err(Wrong { at: token.at, what: "AND, OR or the end is missing here".to_owned() })
        }
    }
}

/// One comparison, of which the words were said apart.
pub fn test(field: Field, op: Op, said: &str, when: When<'_>) -> Result<Test, String> {
    let value = value(&field, op, (said, true), when)?;
    Ok(Test { field, op, value })
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Open,
    Close,
    Op(Op),
    /// `!~`.
    Lacks,
    Word {
        text: String,
        quoted: bool,
    },
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    at: usize,
}

fn tokens(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let mut then = |next: char| chars.next_if(|(_, c)| *c == next).is_some();
        let kind = match c {
            c if c.is_whitespace() => continue,
            '(' => Kind::Open,
            ')' => Kind::Close,
            '=' => {
                then('=');
                Kind::Op(Op::Eq)
            }
            '~' => Kind::Op(Op::Has),
            '!' if then('=') => Kind::Op(Op::Ne),
            '!' if then('~') => Kind::Lacks,
            '<' if then('=') => Kind::Op(Op::Le),
            '<' => Kind::Op(Op::Lt),
            '>' if then('=') => Kind::Op(Op::Ge),
            '>' => Kind::Op(Op::Gt),
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next() {
                        Some((_, end)) if end == c => break,
                        Some((_, '\\')) => word.extend(chars.next().map(|(_, c)| c)),
                        Some((_, other)) => word.push(other),
                        None => {
                            return Err(Wrong {
                                at,
                                what: "this quote is never closed".to_owned(),
                            });
                        }
                    }
                }
                Kind::Word { text: word, quoted: true }
            }
            c if is_plain(c) => {
                let mut word = String::from(c);
                while let Some((_, c)) = chars.next_if(|(_, c)| is_plain(*c)) {
                    word.push(c);
                }
                Kind::Word { text: word, quoted: false }
            }
            c => return Err(Wrong { at, what: format!("{c:?} means nothing here") }),
        };
        tokens.push(Token { kind, at });
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: &'t [Token],
    end: usize,
    when: When<'t>,
}

impl<'t> Parser<'t> {
    fn at(&self) -> usize {
        self.tokens.first().map_or(self.end, |token| token.at)
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, Wrong> {
        Err(Wrong { at: self.at(), what: what.into() })
    }

    fn next(&mut self) -> Option<&'t Token> {
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(token)
    }

    /// Takes a word of the language if it is the next.
    fn takes(&mut self, asked: &str) -> bool {
        let is_next = matches!(self.tokens.first(), Some(Token { kind: Kind::Word { text, quoted: false }, .. })
            if text.eq_ignore_ascii_case(asked));
        is_next && self.next().is_some()
    }

    fn either(&mut self, depth: usize) -> Result<Cond, Wrong> {
        let mut of = vec![self.every(depth)?];
        while self.takes("or") {
            of.push(self.every(depth)?);
        }
        Ok(single(of, Cond::Any))
    }

    fn every(&mut self, depth: usize) -> Result<Cond, Wrong> {
        let mut of = vec![self.one(depth)?];
        while self.takes("and") {
            of.push(self.one(depth)?);
        }
        Ok(single(of, Cond::All))
    }

    fn one(&mut self, depth: usize) -> Result<Cond, Wrong> {
        if depth > DEEPEST {
            return self.wrong(format!("more than {DEEPEST} within each other"));
        }
        if self.takes("not") {
            return Ok(Cond::Not(Box::new(self.one(depth + 1)?)));
        }
        let at = self.at();
        match self.tokens.first().map(|token| &token.kind) {
            Some(Kind::Open) => {
                self.next();
                let inner = self.either(depth + 1)?;
                match self.next().map(|token| &token.kind) {
                    Some(Kind::Close) => Ok(inner),
                    _ => Err(Wrong { at, what: "this parenthesis is never closed".to_owned() }),
                }
            }
            Some(Kind::Word { text, quoted: false }) => {
                let field = Field::named(text).map_err(|what| Wrong { at, what })?;
                self.next();
                self.compared(&field)
            }
            None => self.wrong("a condition is missing here, such as status=open"),
            Some(_) => self.wrong("a condition begins with a field, such as status"),
        }
    }

    fn compared(&mut self, field: &Field) -> Result<Cond, Wrong> {
        let compares = "= != < <= > >= or ~ has to follow";
        let (op, lacks) = match self.tokens.first().map(|token| &token.kind) {
            Some(Kind::Op(op)) => (*op, false),
            Some(Kind::Lacks) => (Op::Has, true),
            _ => return self.wrong(compares),
        };
        self.next();
        let at = self.at();
        let Some(Token { kind: Kind::Word { text, quoted }, .. }) = self.next() else {
            return Err(Wrong { at, what: "a value is missing here".to_owned() });
        };
        let one = |said: &str| {
            let value = value(field, op, (said, *quoted), self.when);
            value.map(|value| Cond::is(field.clone(), op, value)).map_err(|what| Wrong { at, what })
        };
        let words: Vec<_> = match !quoted && field.is_listed() {
            true => text.split(',').filter(|word| !word.is_empty()).collect(),
            false => vec![text],
        };
        match (words.as_slice(), op) {
            ([_, _, ..], Op::Eq) => {
                Ok(Cond::Any(words.into_iter().map(one).collect::<Result<_, _>>()?))
            }
            ([_, _, ..], Op::Ne) => {
                Ok(Cond::All(words.into_iter().map(one).collect::<Result<_, _>>()?))
            }
            ([_, _, ..], _) => {
                Err(Wrong { at, what: "several are compared with = or !=".to_owned() })
            }
            _ if lacks => Ok(Cond::Not(Box::new(one(text)?))),
            _ => one(text),
        }
    }
}

fn single(mut of: Vec<Cond>, several: fn(Vec<Cond>) -> Cond) -> Cond {
    match of.pop() {
        Some(only) if of.is_empty() => only,
        last => {
            of.extend(last);
            several(of)
        }
    }
}

fn value(
    field: &Field,
    op: Op,
    (said, quoted): (&str, bool),
    when: When<'_>,
) -> Result<Value, String> {
    if said.is_empty() || (!quoted && is_none(said)) {
        return match op {
            Op::Eq | Op::Ne => Ok(Value::nothing()),
            _ => Err("that there is none is asked with = or !=".to_owned()),
        };
    }
    let means = if field.is_time() {
        let (from, until) = when(said).ok_or_else(|| {
            format!("{said:?} is no date: 2026-11-21, 2026-11-21T05:36:11Z, yesterday, or how long ago: 6h, 7d, 2w")
        })?;
        Means::While(from, until)
    } else if field.is_number() {
        let digits =
            if *field == Field::Priority { said.trim_start_matches(['P', 'p']) } else { said };
        Means::Number(digits.parse().map_err(|_| format!("{said:?} is no number"))?)
    } else {
        Means::Word
    };
    match (op, &means) {
        (Op::Has, Means::While(..) | Means::Number(_)) => {
            Err("~ looks into texts alone".to_owned())
        }
        (Op::Lt | Op::Le | Op::Gt | Op::Ge, Means::Word) => {
            Err("words are compared with =, != or ~".to_owned())
        }
        _ if *field == Field::Type && op != Op::Has => Ok(Value::word(usual_type(said))),
        _ => Ok(Value { said: said.to_owned(), means }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bead::spelling::FIELDS;

    fn when(said: &str) -> Option<(String, String)> {
        let is_date = said.ends_with('d') || said.starts_with("2026");
        is_date.then(|| (format!("{said} on"), format!("{said} off")))
    }

    fn read(text: &str) -> Result<Cond, Wrong> {
        parse(text, &when)
    }

    #[test]
    fn a_query_reads_as_it_is_meant() {
        for (text, told) in [
            ("status=open", "status=open"),
            ("Status == open and priority <= P1", "status=open AND priority<=P1"),
            ("a-b=x", "!"),
            (
                "status=open AND (priority<=2 OR label=auth) AND NOT updated>7d",
                "status=open AND (priority<=2 OR label=auth) AND NOT updated>7d",
            ),
            ("title=a or title=b and title=c", "title=a OR (title=b AND title=c)"),
            ("((title=a))", "title=a"),
            ("title!~'a b'", "NOT title~\"a b\""),
            ("title='it''s'", "!"),
            ("title=\"say \\\"no\\\" \\\\\"", "title=\"say \\\"no\\\" \\\\\""),
            ("assignee=none", "assignee=none"),
            ("assignee=\"none\"", "assignee=\"none\""),
            ("assignee!=''", "assignee!=none"),
            ("desc~grün", "description~grün"),
            ("type=feat", "type=feature"),
            ("type=bug,feat and p=1", "!"),
            ("type=bug,feat and priority=1", "(type=bug OR type=feature) AND priority=1"),
            ("status!=open,closed", "status!=open AND status!=closed"),
            ("label=\"a,b\"", "label=\"a,b\""),
            ("title=a,b", "title=\"a,b\""),
            ("label~a,b", "!"),
            ("label=area:ui/x-1", "label=area:ui/x-1"),
            ("metadata.gc.routed_to!=none", "metadata.gc.routed_to!=none"),
            ("metadata.=x", "!"),
        ] {
            let said = read(text).map_or_else(|_| "!".to_owned(), |cond| cond.to_string());
            assert_eq!(said, told, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let deep = "(".repeat(100);
        for (text, at, what) in [
            ("", 0, "a condition is missing"),
            ("status", 6, "has to follow"),
            ("status=", 7, "a value is missing"),
            ("status=open priority=1", 12, "AND, OR or the end"),
            ("status=open AND", 15, "a condition is missing"),
            ("(status=open", 0, "never closed"),
            ("status=open)", 11, "AND, OR or the end"),
            ("title='x", 6, "never closed"),
            ("statsu=open", 0, "did you mean `status`?"),
            ("colour=red", 0, "is no field; fields are id"),
            ("priority=high", 9, "is no number"),
            ("updated>soon", 8, "is no date"),
            ("updated~7d", 8, "~ looks into texts"),
            ("status<open", 7, "words are compared"),
            ("priority<none", 9, "that there is none"),
            ("status=open & x", 12, "AND, OR or the end"),
            ("=open", 0, "begins with a field"),
            (&deep, 65, "within each other"),
            ("title=\u{7}", 6, "means nothing"),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.at == at && wrong.what.contains(what), "{text}: {wrong:?}");
        }
    }

    fn a_test() -> impl Strategy<Value = Cond> {
        let named = proptest::sample::select(FIELDS).prop_map(|(field, _)| field);
        let field = prop_oneof![named, "[a-z.]{1,5}".prop_map(Field::Metadata)];
        let ops = [Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Has];
        (field, proptest::sample::select(ops.to_vec()), "\\PC{0,8}", 0..9_u64).prop_filter_map(
            "no such comparison",
            |(field, op, word, number)| {
                let said = match &field {
                    field if field.is_time() => format!("{number}d"),
                    field if field.is_number() => number.to_string(),
                    _ => word,
                };
                let value = value(&field, op, (&said, true), &when).ok()?;
                Some(Cond::is(field, op, value))
            },
        )
    }

    fn a_query() -> impl Strategy<Value = Cond> {
        a_test().prop_recursive(4, 24, 3, |inner| {
            let several = proptest::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                several.clone().prop_map(Cond::All),
                several.prop_map(Cond::Any),
                inner.prop_map(|cond| Cond::Not(Box::new(cond))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_as_the_same(cond in a_query()) {
            let text = cond.to_string();
            prop_assert_eq!(read(&text), Ok(cond), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in "\\PC{0,40}") {
            match read(&text) {
                Ok(cond) => prop_assert_eq!(read(&cond.to_string()), Ok(cond)),
                Err(wrong) => prop_assert!(text.is_char_boundary(wrong.at)),
            }
        }
    }
}
