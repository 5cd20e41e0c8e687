//! May a convoy be made, or grow? Then these words. Pure.

use super::convoys::{Convoy, Convoys};
use super::event::{Added, Created, Event};
use crate::bead::Bead;
use crate::refusal::Refusal;

/// A new convoy with these members, in this order, each once.
pub fn create(title: &str, members: &[&Bead]) -> anyhow::Result<Event> {
    let title = title.trim();
    if title.is_empty() {
        return Err(Refusal::usage("a convoy needs a title").into());
    }
    let members = once(members.iter().map(|bead| bead.id.clone()));
    Ok(Event::Created(Created { title: title.to_owned(), members, own: false }))
}

/// More members for a convoy; one that was closed is open again by it.
pub fn add(convoy: &Convoy, members: &[&Bead]) -> anyhow::Result<Event> {
    let new = members.iter().filter(|bead| !convoy.has(&bead.id)).map(|bead| bead.id.clone());
    let members = once(new);
    if members.is_empty() {
        return Err(Refusal::nothing(format!("nothing to add: {} has them all", convoy.id)).into());
    }
    Ok(Event::Added(Added { members }))
}

/// The convoy of its own that a slung bead gets when it travels in no other; to be written with
/// `Pen::create`.
pub fn ensure(convoys: &Convoys, bead: &Bead) -> Option<Event> {
    if convoys.with(&bead.id).next().is_some() {
        return None;
    }
    let members = vec![bead.id.clone()];
    Some(Event::Created(Created { title: bead.title.clone(), members, own: true }))
}

fn once(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for id in ids {
        if !seen.contains(&id) {
            seen.push(id);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Fold as _, Json, Line};

    fn bead(id: &str) -> Bead {
        Bead { id: id.to_owned(), title: format!("the title of {id}"), ..Bead::default() }
    }

    /// One convoy `a-c` with these members.
    fn convoys(members: &[&str]) -> Convoys {
        let with = [("title", Json::from("all of it")), ("members", Json::from(members))];
        let with = with.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let (on, act) = ("a-c".to_owned(), "convoy.created".to_owned());
        let mut convoys = Convoys::default();
        convoys.drink(&Line { on, act, with: Json::into(with), ..Line::default() });
        convoys
    }

    fn words(members: &[&str]) -> Vec<String> {
        members.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_convoy_has_a_title_and_each_member_once() {
        let (one, two) = (bead("a-1"), bead("a-2"));
        let made = create(" all of it ", &[&one, &two, &one]).unwrap();
        let title = "all of it".to_owned();
        let members = words(&["a-1", "a-2"]);
        assert_eq!(made, Event::Created(Created { title, members, own: false }));
        assert!(create(" ", &[&one]).is_err());
    }

    #[test]
    fn only_new_members_are_added() {
        let convoys = convoys(&["a-1"]);
        let convoy = convoys.find("a-c").unwrap();
        let (one, two) = (bead("a-1"), bead("a-2"));
        let added = add(convoy, &[&one, &two, &two]).unwrap();
        assert_eq!(added, Event::Added(Added { members: words(&["a-2"]) }));
        assert!(add(convoy, &[&one]).is_err());
    }

    #[test]
    fn a_slung_bead_gets_a_convoy_of_its_own_if_it_is_in_no_other() {
        let convoys = convoys(&["a-1"]);
        assert_eq!(ensure(&convoys, &bead("a-1")), None);
        let (title, members) = ("the title of a-2".to_owned(), words(&["a-2"]));
        let own = Event::Created(Created { title, members, own: true });
        assert_eq!(ensure(&convoys, &bead("a-2")), Some(own));
    }
}
