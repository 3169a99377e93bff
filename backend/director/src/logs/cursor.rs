//! The id of a log event: how far every source was read when the line was sent, so that a reader that comes back with
//! it gets every later line once. One moment for all sources would not do: their lines arrive out of order.
//!
//! Text: `m<row>` for the manager and `<short id>-<nanoseconds since 1970, base 36>` per instance, joined by `.`.

use super::positions::Positions;
use std::{fmt::Write, str::FromStr};
use time::OffsetDateTime;

/// Largest cursor that is read. A cursor has about 22 bytes per instance.
const MAX_BYTES: usize = 16 * 1024;

impl std::fmt::Display for Positions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "m{}", self.manager.unwrap_or_default())?;
        for (short, at) in &self.instances {
            write!(f, ".{short}-{}", base36(at.unix_timestamp_nanos()))?;
        }
        Ok(())
    }
}

/// Not a cursor of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotACursor;

impl FromStr for Positions {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        if text.len() > MAX_BYTES {
            return Err(NotACursor);
        }
        let mut parts = text.split('.');
        let row = parts.next().and_then(|part| part.strip_prefix('m')).and_then(|row| row.parse::<i64>().ok());
        let row = row.filter(|row| *row >= 0).ok_or(NotACursor)?;
        let mut positions = Self { manager: (row > 0).then_some(row), ..Self::default() };
        for part in parts {
            let (short, nanos) = part.split_once('-').ok_or(NotACursor)?;
            let nanos = i128::from_str_radix(nanos, 36).map_err(|_| NotACursor)?;
            let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| NotACursor)?;
            positions.instances.insert(short.to_owned(), at);
        }
        Ok(positions)
    }
}

fn base36(number: i128) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        // The remainder is below 36.
        digits.push(char::from(DIGITS[usize::try_from(rest % 36).unwrap_or_default()]));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    let mut text = String::new();
    if number < 0 {
        let _ = text.write_char('-');
    }
    text.extend(digits.iter().rev());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_cursor_survives_the_journey() {
        let mut positions = Positions { manager: Some(42), ..Positions::default() };
        positions.instances.insert("0a1b2c3d".to_owned(), datetime!(2026-01-02 03:04:05.123456789 UTC));
        positions.instances.insert("ffffffff".to_owned(), OffsetDateTime::UNIX_EPOCH);
        assert_eq!(positions.to_string().parse(), Ok(positions));
        assert_eq!("m0".parse(), Ok(Positions::default()));
    }

    #[test]
    fn other_text_is_refused() {
        for text in
            ["", "7", "m", "m-1", "m1.", "m1.a", "m1.a-!", &format!("m1.a-{}", "z".repeat(40)), &"m1.a-0".repeat(9_000)]
        {
            assert_eq!(text.parse::<Positions>(), Err(NotACursor), "{text}");
        }
    }
}
