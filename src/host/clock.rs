//! What time it is, and waiting. Time is for people: nothing is ordered or decided by it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, to the millisecond, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(Timestamp);

impl Stamp {
    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        self.0.as_millisecond()
    }

    /// Seconds since 1970, as git's dates count them.
    pub fn seconds(&self) -> i64 {
        self.0.as_second()
    }

    pub fn of_seconds(seconds: i64) -> Option<Self> {
        Timestamp::from_second(seconds).ok().map(Self)
    }

    /// A moment as a disk tells it.
    pub fn of(moment: SystemTime) -> Option<Self> {
        Timestamp::try_from(moment).ok().map(Self::whole_millis)
    }

    /// How long after `earlier` this is; nothing when the clock went backwards.
    pub fn since(&self, earlier: &Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis() - earlier.millis()).unwrap_or(0))
    }

    fn whole_millis(moment: Timestamp) -> Self {
        let down = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Floor);
        Self(moment.round(down).unwrap_or(moment))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3}", self.0)
    }
}

impl FromStr for Stamp {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let moment: Timestamp =
            text.parse().with_context(|| format!("reading the time {text:?}"))?;
        Ok(Self::whole_millis(moment))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where `now` comes from. A pinned clock stands still; waiting always takes real time.
#[derive(Clone, Debug)]
pub struct Clock {
    pinned: Option<Stamp>,
}

impl Clock {
    pub fn real() -> Self {
        Self { pinned: None }
    }

    pub fn pinned(at: Stamp) -> Self {
        Self { pinned: Some(at) }
    }

    pub fn now(&self) -> Stamp {
        self.pinned.unwrap_or_else(|| Stamp::whole_millis(Timestamp::now()))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door for waiting")]
    pub fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A moment as other programs write it, in UTC to the nanosecond, so that texts compare as moments do. What
/// names no zone is taken for UTC, and a day for its beginning; none for what is no moment.
pub fn moment(text: &str) -> Option<String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let moment: Timestamp =
        whole.parse().or_else(|_| format!("{whole}Z").parse()).ok().filter(|_| !text.is_empty())?;
    let text = format!("{moment:.9}");
    // Before the year 0 texts no longer compare.
    text.starts_with(|c: char| c.is_ascii_digit()).then_some(text)
}

/// The next moment after one that was told so.
pub fn just_after(moment: &str) -> Option<String> {
    let moment: Timestamp = moment.parse().ok()?;
    Some(format!("{:.9}", moment.checked_add(Duration::from_nanos(1)).ok()?))
}

/// A duration as people write it: `90s`, `15m`, `1h 30m`. None for anything else, and for none at all.
pub fn duration(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_reads_back_as_it_was_written() {
        for (given, shown) in [
            ("2026-11-21T05:36:11.123Z", "2026-11-21T05:36:11.123Z"),
            ("2026-11-21T05:36:11Z", "2026-11-21T05:36:11.000Z"),
            ("2026-11-21T05:36:11.1239Z", "2026-11-21T05:36:11.123Z"),
            ("2026-11-21T07:36:11.5+02:00", "2026-11-21T05:36:11.500Z"),
        ] {
            assert_eq!(given.parse::<Stamp>().unwrap().to_string(), shown);
        }
        assert!("yesterday".parse::<Stamp>().is_err());
    }

    #[test]
    fn moments_of_other_programs_compare_as_texts() {
        for (given, shown) in [
            ("2025-11-02T21:58:07.295058-08:00", Some("2025-11-03T05:58:07.295058000Z")),
            ("2025-11-02T21:58:07Z", Some("2025-11-02T21:58:07.000000000Z")),
            ("2025-11-02 21:58:07", Some("2025-11-02T21:58:07.000000000Z")),
            ("2025-11-02", Some("2025-11-02T00:00:00.000000000Z")),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00.000000000Z")),
            ("2025-13-02T21:58:07Z", None),
            ("2025-02-30", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(moment(given).as_deref(), shown, "{given}");
        }
        let next = just_after("2025-12-31T23:59:59.999999999Z");
        assert_eq!(next.as_deref(), Some("2026-01-01T00:00:00.000000000Z"));
    }

    #[test]
    fn a_pinned_clock_stands_still_and_no_time_is_negative() {
        let early: Stamp = "2026-11-21T05:36:11Z".parse().unwrap();
        let late: Stamp = "2026-11-21T05:36:12.5Z".parse().unwrap();
        assert_eq!(Clock::pinned(early).now(), early);
        assert_eq!(late.since(&early), Duration::from_millis(1500));
        assert_eq!(early.since(&late), Duration::ZERO);
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let cases = [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("1h 30m", Some(5400)),
            ("-1s", None),
            ("0s", None),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
