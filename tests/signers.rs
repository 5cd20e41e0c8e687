//! Keys that one place lists and another does not: whose word a checkpoint is there.

use crate::checkpoints::{replica, with_key};
use crate::support::Sandbox;
use crate::sync::clones;

const LEDGER: &str = "refs/shopfloor/ledger";

#[test]
fn a_key_that_the_hub_does_not_list_cuts_nobody_off() {
    const SIGNERS: &str = "config gpg.ssh.allowedSignersFile ~/.ssh/allowed";
    let world = Sandbox::new();
    with_key(&world);
    let hub = world.bare("hub.git");
    let [one, two] = clones(&world, &hub, ["one", "two"]);
    one.git("config --global --unset gpg.ssh.allowedSignersFile").ok();
    hub.git(SIGNERS).ok();
    let hook = concat!(env!("CARGO_MANIFEST_DIR"), "/hooks/pre-receive");
    hub.run(["cp", hook, "hooks/pre-receive"]).ok();
    let told = || {
        let range = format!("{}..{}", "0".repeat(40), hub.rev(LEDGER));
        hub.run(["git", "bead", "verify", "--range", &range]).ok().out
    };
    let other = "ssh-keygen -q -t ed25519 -N '' -f .git/other &&
        git config user.signingKey .git/other.pub";
    one.sh(other).ok();
    one.bead("a");
    one.git("bead verify --sign").ok();
    one.git("bead sync").ok();
    let clone = replica(&one);
    let note = format!("note: a checkpoint of clone {clone} counts for nothing here: SHA256:");
    assert!(told().contains(&note) && !told().contains("are signed"), "{}", told());
    // The right key, for the same lines.
    one.git("config --unset user.signingKey").ok();
    let signed = one.git("bead verify --sign").ok();
    assert!(signed.out.contains("2 of this clone are signed now"), "{signed}");
    one.git("bead verify --sign").ok().says(&["nothing came after what is signed"]);
    one.git("bead sync").ok();
    assert!(told().contains(&format!("2 of clone {clone} are signed by jane@")), "{}", told());
    // Where the signers are known, nothing is signed that would count for nothing.
    two.git(SIGNERS).ok();
    two.sh(other).ok();
    two.bead("b");
    two.git("bead sync").ok();
    let before = two.rev(LEDGER);
    let no = ["nothing was signed: SHA256:", "is no key of a signer in ", "hint: git config user."];
    two.git("bead verify --sign").fails(3).says(&no);
    assert_eq!(two.rev(LEDGER), before);
    two.git("config shopfloor.sign auto").ok();
    two.git("bead sync").ok().says(&["what is sent is not signed"]).says(&no);
    assert_eq!(hub.rev(LEDGER), before);
}
