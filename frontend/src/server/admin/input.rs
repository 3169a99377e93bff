//! Amounts and times as administrators type them.

#![cfg(any(feature = "ssr", test))]

use aerie_domain::Credits;
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// "10", "2.5", "-0,125": credits with at most three decimals.
pub fn credits(text: &str) -> Result<Credits, &'static str> {
    const PROBLEM: &str = "must be a number of credits such as 10 or 2.5, with at most three decimals";
    let text = text.trim();
    let (negative, digits) = text.strip_prefix(['-', '−']).map_or((false, text), |rest| (true, rest));
    let (whole, decimals) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || decimals.len() > 3 || !numeric(whole) || !numeric(decimals) {
        return Err(PROBLEM);
    }
    let millis: i64 = format!("{whole}{decimals:0<3}").parse().map_err(|_| PROBLEM)?;
    Ok(Credits::from_millis(if negative { -millis } else { millis }))
}

/// "2026-11-21T14:00", as browsers send a date and time, taken as UTC; nothing for nothing.
pub fn moment(text: &str) -> Result<Option<OffsetDateTime>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Seconds come along in some browsers; nobody announces to the second.
    let minutes = text.get(..16).unwrap_or(text);
    PrimitiveDateTime::parse(minutes, format_description!("[year]-[month]-[day]T[hour]:[minute]"))
        .map(|moment| Some(moment.assume_utc()))
        .map_err(|_| "must be a date and time such as 2026-11-21T14:00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, millis) in [("10", 10_000), (" 2.5 ", 2_500), ("-0,125", -125), ("−1", -1_000), ("0", 0)] {
            assert_eq!(credits(text), Ok(Credits::from_millis(millis)), "{text}");
        }
        for text in ["", "ten", "1.2345", ".5", "1e9", "12345678901", "--1", "1.-5"] {
            assert!(credits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_as_browsers_send_them() {
        let noon = datetime!(2026-11-21 12:00 UTC);
        assert_eq!(moment("2026-11-21T12:00"), Ok(Some(noon)));
        assert_eq!(moment("2026-11-21T12:00:30"), Ok(Some(noon)));
        assert_eq!(moment(" "), Ok(None));
        assert!(moment("tomorrow").is_err() && moment("2026-02-30T12:00").is_err());
    }
}
