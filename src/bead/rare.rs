//! Fields that records of beads have and hardly anybody sets by hand: each is set and cleared by its name,
//! and has no meaning here. Pure.

use crate::ledger::Json;

#[derive(Clone, Copy)]
enum Shape {
    Text,
    Yes,
    Number,
    Words,
    Any,
}

const FIELDS: [(&str, Shape); 23] = [
    ("owner", Shape::Text),
    ("source_system", Shape::Text),
    ("sender", Shape::Text),
    ("wisp_type", Shape::Text),
    ("ephemeral", Shape::Yes),
    ("no_history", Shape::Yes),
    ("pinned", Shape::Yes),
    ("is_template", Shape::Yes),
    ("bonded_from", Shape::Any),
    ("await_type", Shape::Text),
    ("await_id", Shape::Text),
    ("timeout", Shape::Number),
    ("waiters", Shape::Words),
    ("source_formula", Shape::Text),
    ("source_location", Shape::Text),
    ("mol_type", Shape::Text),
    ("work_type", Shape::Text),
    ("event_kind", Shape::Text),
    ("actor", Shape::Text),
    ("target", Shape::Text),
    ("payload", Shape::Text),
    ("agent_state", Shape::Text),
    ("role_type", Shape::Text),
];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

/// `field=value` as lines have it: null where nothing is said, which clears the field.
pub fn setting(said: &str) -> Result<(String, Json), String> {
    let (name, value) = said.split_once('=').ok_or("a field is set by FIELD=VALUE")?;
    let value = match shape(name)? {
        _ if value.is_empty() => Json::Null,
        Shape::Text => value.into(),
        Shape::Words => value.split(',').map(|word| Json::from(word.trim())).collect(),
        _ => value.parse().unwrap_or_else(|_| value.into()),
    };
    check(name, &value)?;
    Ok((name.to_owned(), value))
}

/// Whether such a field can have such a value.
pub fn check(name: &str, value: &Json) -> Result<(), String> {
    let (fits, wanted) = match shape(name)? {
        _ if value.is_null() => (true, ""),
        Shape::Text => (value.is_string(), "a text"),
        Shape::Yes => (value.is_boolean(), "true or false"),
        Shape::Number => (value.is_u64(), "a number"),
        Shape::Words => (value.is_array(), "a list"),
        Shape::Any => (value.is_array() || value.is_object(), "JSON"),
    };
    if fits { Ok(()) } else { Err(format!("{name} is {wanted}, not {value}")) }
}

fn shape(name: &str) -> Result<Shape, String> {
    let known = FIELDS.iter().find(|(known, _)| *known == name);
    known.map(|(_, shape)| *shape).ok_or_else(|| {
        let names = names().collect::<Vec<_>>().join(", ");
        format!("{name:?} is not set so; these are: {names}. Others have words of their own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_field_is_set_as_what_it_is() {
        for (said, is) in [
            ("sender=joan", Ok(r#""joan""#)),
            ("pinned=true", Ok("true")),
            ("pinned=", Ok("null")),
            ("timeout=90000000000", Ok("90000000000")),
            ("waiters=joan, api/toast", Ok(r#"["joan","api/toast"]"#)),
            (r#"bonded_from=[{"source_id":"b-1"}]"#, Ok(r#"[{"source_id":"b-1"}]"#)),
            ("payload=a=b", Ok(r#""a=b""#)),
            ("pinned=yes", Err(r#"pinned is true or false, not "yes""#)),
            ("timeout=-1", Err("timeout is a number, not -1")),
            ("bonded_from={", Err(r#"bonded_from is JSON, not "{""#)),
            ("pinned", Err("a field is set by FIELD=VALUE")),
        ] {
            let told = setting(said).map(|(_, value)| value.to_string());
            assert_eq!(told.as_deref().map_err(String::as_str), is, "{said}");
        }
        for derived in ["id=x", "closed_at=x", "status=open", "created_by=x", "title=x"] {
            assert!(setting(derived).unwrap_err().contains("is not set so"), "{derived}");
        }
    }
}
