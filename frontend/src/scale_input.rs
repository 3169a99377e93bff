//! What people type into the number of a role: `3`, `+2` or `-1`.

/// A typed count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleInput {
    /// So many.
    Exactly(i64),
    /// So many more, or fewer.
    By(i64),
}

/// Longest accepted number, so that sums cannot overflow.
const MAX_DIGITS: usize = 6;

impl ScaleInput {
    /// Reads a typed count; a typographic minus is as good as a hyphen.
    ///
    /// # Errors
    /// A message that reads well after the role's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (digits, wrap): (&str, fn(i64) -> Self) = if let Some(digits) = text.strip_prefix('+') {
            (digits, Self::By)
        } else if let Some(digits) = text.strip_prefix(['-', '−']) {
            (digits, |number| Self::By(-number))
        } else {
            (text, Self::Exactly)
        };
        let digits = digits.trim_start();
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("must be a number such as 3, or a change such as +2 or -1".to_owned());
        }
        digits.parse().map(wrap).map_err(|_| "must be a number such as 3, or a change such as +2 or -1".to_owned())
    }

    /// The count that is meant, given the present one.
    pub fn apply(self, present: u32) -> i64 {
        match self {
            Self::Exactly(count) => count,
            Self::By(change) => i64::from(present) + change,
        }
    }
}

/// The count that a text means for a role with these bounds.
///
/// # Errors
/// A message that reads well after the role's name.
pub fn wanted_count(text: &str, present: u32, min: u32, max: u32) -> Result<u32, String> {
    let count = ScaleInput::parse(text)?.apply(present);
    u32::try_from(count)
        .ok()
        .filter(|count| (min..=max).contains(count))
        .ok_or_else(|| if min == max { format!("must be {min}") } else { format!("must be between {min} and {max}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_changes_are_read() {
        for (text, input) in [
            ("3", ScaleInput::Exactly(3)),
            (" 12 ", ScaleInput::Exactly(12)),
            ("0", ScaleInput::Exactly(0)),
            ("+2", ScaleInput::By(2)),
            ("+ 2", ScaleInput::By(2)),
            ("-1", ScaleInput::By(-1)),
            ("−1", ScaleInput::By(-1)),
        ] {
            assert_eq!(ScaleInput::parse(text), Ok(input), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["", " ", "+", "-", "++1", "1.5", "three", "1e3", "9999999", "0x2", "1 2", "٣"] {
            assert!(ScaleInput::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn counts_stay_in_their_bounds() {
        assert_eq!(wanted_count("+2", 1, 1, 8), Ok(3));
        assert_eq!(wanted_count("-1", 1, 1, 8), Err("must be between 1 and 8".to_owned()));
        assert_eq!(wanted_count("9", 1, 1, 8), Err("must be between 1 and 8".to_owned()));
        assert_eq!(wanted_count("2", 1, 1, 1), Err("must be 1".to_owned()));
    }
}
