//! Moments as people say them: a stamp, a day, or how long ago.

use anyhow::Result;
use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, tz::TimeZone};

use crate::host::Stamp;
use crate::refusal::Refusal;

/// How moments are said, for whoever said another thing.
pub(super) const SAID: &str = "2026-11-21, 2026-11-21T05:36:11Z, tomorrow, monday, how long ago (90m, 6h, 3d, 2w), or in how long (+3d)";

/// A moment, as lines have it; of a day the beginning.
pub(super) fn moment(said: &str, now: &Stamp) -> Result<String> {
    let wrong = || Refusal::usage(format!("{said:?} is no moment")).hint(SAID);
    Ok(span(said, now).map(|(from, _)| from).ok_or_else(wrong)?)
}

/// From when to when that lasts which is said; a moment ends where it begins.
pub(super) fn span(said: &str, now: &Stamp) -> Option<(String, String)> {
    let stamp =
        |moment: Timestamp| moment.to_string().parse::<Stamp>().map(|it| it.to_string()).ok();
    let said = said.trim();
    if let Some(day) = day(said, now) {
        let midnight = |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
        return Some((stamp(midnight(day)?)?, stamp(midnight(day.tomorrow().ok()?)?)?));
    }
    let moment = stamp(said.parse().ok().or_else(|| away(said, now))?)?;
    Some((moment.clone(), moment))
}

fn day(said: &str, now: &Stamp) -> Option<Date> {
    let today =
        || Some(Timestamp::from_millisecond(now.millis()).ok()?.to_zoned(TimeZone::UTC).date());
    let lower = said.to_ascii_lowercase();
    match lower.as_str() {
        "today" => today(),
        "tomorrow" => today()?.tomorrow().ok(),
        "yesterday" => today()?.yesterday().ok(),
        word => match weekday(word.strip_prefix("next ").unwrap_or(word)) {
            Some(weekday) => today()?.nth_weekday(1, weekday).ok(),
            // A time without its zone is no day either.
            None => said.parse().ok().filter(|_| !said.contains(['T', 't', ' '])),
        },
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let number = days.iter().position(|day| *day == word)?;
    Weekday::from_monday_zero_offset(i8::try_from(number).ok()?).ok()
}

/// How long ago, or with `+` in how long.
fn away(said: &str, now: &Stamp) -> Option<Timestamp> {
    let (said, ahead) = said.strip_prefix('+').map_or((said, false), |said| (said, true));
    if said.eq_ignore_ascii_case("now") && !ahead {
        return Timestamp::from_millisecond(now.millis()).ok();
    }
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
    let away = count.checked_mul(seconds)?.checked_mul(1000)?;
    let away = if ahead { away } else { away.checked_neg()? };
    Timestamp::from_millisecond(now.millis().checked_add(away)?).ok()
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
            ("+6h", "2026-11-21T11:36:11.123Z"),
            ("now", "2026-11-21T05:36:11.123Z"),
            ("today", "2026-11-21T00:00:00.000Z"),
            ("Tomorrow", "2026-11-22T00:00:00.000Z"),
            ("yesterday", "2026-11-20T00:00:00.000Z"),
            ("monday", "2026-11-23T00:00:00.000Z"),
            ("next saturday", "2026-11-28T00:00:00.000Z"),
        ] {
            assert_eq!(moment(said, &now).unwrap(), meant, "{said}");
        }
        for bad in ["", "d", "soon", "-3d", "3y", "99999999999999d", "2026-13-01", "é", "+", "+now"]
        {
            assert!(moment(bad, &now).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_lasts_until_the_next_and_a_moment_no_time() {
        let now: Stamp = "2026-11-21T05:36:11.123Z".parse().unwrap();
        let (from, until) = span("2026-12-31", &now).unwrap();
        assert_eq!((&*from, &*until), ("2026-12-31T00:00:00.000Z", "2027-01-01T00:00:00.000Z"));
        let (from, until) = span("1h", &now).unwrap();
        assert_eq!(from, until);
    }
}
