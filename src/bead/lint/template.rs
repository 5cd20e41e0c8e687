//! Descriptions to fill in, one for each type of work. What stands between `<!--` and `-->` is for whoever
//! fills it in, and counts for nothing.

const BUG: &str = "\
<!-- what goes wrong, and for whom -->

## Steps to Reproduce
<!-- from nothing to the fault, each step a line -->

## Expected
<!-- what should come out instead -->

## Files
<!-- paths in the repository; --files claims them -->

## Acceptance Criteria
<!-- each a command and how it ends: - `make test` exits with 0 -->
";

const TASK: &str = "\
<!-- what is to be done, and why -->

## Files
<!-- paths in the repository; --files claims them -->

## Interfaces
<!-- what it uses of other parts, and what it offers them: names, arguments, results -->

## Output
<!-- what is printed, returned, written or changed when it is done -->

## Acceptance Criteria
<!-- each a command and how it ends: - `make test` exits with 0 -->
";

const EPIC: &str = "\
<!-- what people have when all its children are done -->

## Success Criteria
<!-- how one sees that -->
";

const DECISION: &str = "\
<!-- the question, and who waits for the answer -->

## Choices
<!-- each with what speaks for and against it -->
";

/// The types that have one of their own; that of a task is everybody else's.
pub const TYPES: [&str; 4] = ["bug", "decision", "epic", "task"];

/// The one for a type; types of one's own are tasks.
pub fn of(issue_type: &str) -> &'static str {
    match issue_type {
        "bug" => BUG,
        "epic" => EPIC,
        "decision" => DECISION,
        _ => TASK,
    }
}
