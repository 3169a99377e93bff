//! Numbers and times as people read them. The same text on the server and in the browser: whoever calls brings the
//! server's clock along, so that hydration never finds another text than it expects.

use aerie_domain::Credits;
use time::{Duration, OffsetDateTime, UtcOffset};

/// "1 instance", "4 instances".
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// "a", "a and b", "a, b and c".
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// "1 credit", "0.5 credits".
pub fn credits(amount: Credits) -> String {
    if amount == Credits::whole(1) { "1 credit".to_owned() } else { format!("{amount} credits") }
}

/// Bytes in the largest binary unit that leaves at least one: "812 B", "1.5 KiB", "96 MiB".
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, in whole numbers: no rounding differs between the server and the browser.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", tenths / 10, UNITS[unit])
    }
}

/// Thousandths of a core as a share of the limit: "35 %".
pub fn share(part: u64, whole: u64) -> String {
    let percent = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{percent} %")
}

/// How long, in its largest unit: "a moment", "3 min", "2 h", "5 days".
pub fn duration(from: OffsetDateTime, to: OffsetDateTime) -> String {
    let seconds = (to - from).whole_seconds().max(0).unsigned_abs();
    match seconds {
        0..10 => "a moment".to_owned(),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => count(seconds / 86_400, "day"),
    }
}

/// "a moment ago", "3 min ago"; after a month the date.
pub fn ago(then: OffsetDateTime, now: OffsetDateTime) -> String {
    if (now - then).whole_days() > 30 { date(then) } else { format!("{} ago", duration(then, now)) }
}

/// "in 3 days", rounded as people do, or "over" when it has passed.
pub fn until(then: OffsetDateTime, now: OffsetDateTime) -> String {
    if then <= now {
        return "over".to_owned();
    }
    let half = match (then - now).whole_seconds() {
        ..60 => Duration::ZERO,
        60..3600 => Duration::seconds(30),
        3600..172_800 => Duration::minutes(30),
        _ => Duration::hours(12),
    };
    format!("in {}", duration(now, then + half))
}

/// "2026-11-21".
pub fn date(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

/// "today 14:20", "Thursday 14:20", or with the date when that is not in the coming week.
pub fn moment(at: OffsetDateTime, now: OffsetDateTime, offset: UtcOffset) -> String {
    let (at, today) = (at.to_offset(offset), now.to_offset(offset).date());
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    match (at.date() - today).whole_days() {
        0 => format!("today {time}"),
        1..7 => format!("{} {time}", at.weekday()),
        _ => format!("{} {time}", at.date()),
    }
}

/// "14:03:22.417", UTC: for log lines.
pub fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{:02}:{:02}:{:02}.{:03}", at.hour(), at.minute(), at.second(), at.millisecond())
}

/// Where an axis begins or ends, as fine as its points (of `step_s` seconds) are: "14:03:20", "14:03", "11-21 14:00".
pub fn axis(at: OffsetDateTime, step_s: u32) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let day = format!("{:02}-{:02}", u8::from(at.month()), at.day());
    match step_s {
        0..60 => format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()),
        60..900 => format!("{:02}:{:02}", at.hour(), at.minute()),
        _ => format!("{day} {:02}:{:02}", at.hour(), at.minute()),
    }
}

/// "2026-11-21 14:03:22 UTC": for tooltips.
pub fn full(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02} UTC", date(at), at.hour(), at.minute(), at.second())
}

/// For the `datetime` attribute: "2026-11-21T14:03:22Z".
pub fn machine(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{}T{:02}:{:02}:{:02}Z", date(at), at.hour(), at.minute(), at.second())
}

/// A text as part of an address's query (RFC 3986 unreserved characters stay).
pub fn query_value(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn sizes_read_well() {
        for (size, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (100 * 1024 + 512, "100 KiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (96 * 1024 * 1024, "96 MiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn times_read_well() {
        let now = datetime!(2026-11-21 14:03:22.417 UTC);
        for (seconds, text) in [
            (-5, "a moment ago"),
            (3, "a moment ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7199, "1 h ago"),
            (172_800, "2 days ago"),
            (40 * 86_400, "2026-10-12"),
        ] {
            assert_eq!(ago(now - Duration::seconds(seconds), now), text);
        }
        assert_eq!(until(now + Duration::days(3), now), "in 3 days");
        assert_eq!(until(now + Duration::days(7) - Duration::seconds(1), now), "in 7 days");
        assert_eq!(until(now + Duration::minutes(59) + Duration::seconds(40), now), "in 1 h");
        assert_eq!(until(now, now), "over");
        assert_eq!(clock(now), "14:03:22.417");
        assert_eq!([5, 60, 900].map(|step| axis(now, step)), ["14:03:22", "14:03", "11-21 14:03"]);
        assert_eq!(machine(now.to_offset(time::macros::offset!(+1))), "2026-11-21T14:03:22Z");
    }

    #[test]
    fn moments_are_said_as_people_say_them() {
        let now = datetime!(2026-11-21 14:03 UTC);
        let said = |at, hours| moment(at, now, UtcOffset::from_hms(hours, 0, 0).unwrap());
        assert_eq!(said(datetime!(2026-11-21 23:30 UTC), 0), "today 23:30");
        assert_eq!(said(datetime!(2026-11-21 23:30 UTC), 1), "Sunday 00:30");
        assert_eq!(said(datetime!(2026-11-26 14:20 UTC), 0), "Thursday 14:20");
        assert_eq!(said(datetime!(2026-11-28 14:20 UTC), 0), "2026-11-28 14:20");
    }

    #[test]
    fn amounts_read_well() {
        assert_eq!(count(1, "instance"), "1 instance");
        assert_eq!(count(0, "instance"), "0 instances");
        assert_eq!(credits(Credits::whole(1)), "1 credit");
        assert_eq!(credits(Credits::from_millis(500)), "0.5 credits");
        assert_eq!(share(125, 500), "25 %");
        assert_eq!(share(1, 0), "0 %");
    }

    #[test]
    fn query_values_cannot_break_out() {
        assert_eq!(query_value("a b&c=ü/?#"), "a%20b%26c%3D%C3%BC%2F%3F%23");
    }
}
