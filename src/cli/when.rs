//! Moments as people say them: a stamp, a day, or how long ago.

use anyhow::Result;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use crate::host::Stamp;
use crate::refusal::Refusal;

/// A moment, as lines have it.
pub(super) fn moment(said: &str, now: &Stamp) -> Result<String> {
    let moment = said.parse().ok().or_else(|| day(said)).or_else(|| ago(said, now));
    let wrong = || {
        Refusal::usage(format!("{said:?} is no moment"))
            .hint("2026-11-21, 2026-11-21T05:36:11Z, or how long ago: 90m, 6h, 3d, 2w")
    };
    let moment: Timestamp = moment.ok_or_else(wrong)?;
    let stamp: Stamp = moment.to_string().parse()?;
    Ok(stamp.to_string())
}

/// The beginning of a day.
fn day(said: &str) -> Option<Timestamp> {
    let date: Date = said.parse().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn ago(said: &str, now: &Stamp) -> Option<Timestamp> {
    let unit = said.chars().last()?;
    let count: i64 = said.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let back = count.checked_mul(seconds)?.checked_mul(1000)?;
    Timestamp::from_millisecond(now.millis().checked_sub(back)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_stamp_a_day_or_a_while_ago() {
        let now: Stamp = "2026-11-21T05:36:11.123Z".parse().unwrap();
        for (said, meant) in [
            ("2026-11-21T05:36:11.123Z", "2026-11-21T05:36:11.123Z"),
            ("2026-11-21T06:36:11+01:00", "2026-11-21T05:36:11.000Z"),
            ("2026-11-20", "2026-11-20T00:00:00.000Z"),
            ("90s", "2026-11-21T05:34:41.123Z"),
            ("36m", "2026-11-21T05:00:11.123Z"),
            ("6h", "2026-11-20T23:36:11.123Z"),
            ("3d", "2026-11-18T05:36:11.123Z"),
            ("2w", "2026-11-07T05:36:11.123Z"),
        ] {
            assert_eq!(moment(said, &now).unwrap(), meant, "{said}");
        }
        for bad in ["", "d", "yesterday", "-3d", "3y", "99999999999999d", "2026-13-01", "é"] {
            assert!(moment(bad, &now).is_err(), "{bad}");
        }
    }
}
