//! What an instance may use, and what it costs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of credit in thousandths: 1 credit = 1 instance of the smallest size for 1 hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Credits {
    /// Thousandths of a credit.
    pub millis: i64,
}

impl Credits {
    /// An amount in thousandths of a credit.
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// An amount in whole credits.
    pub const fn whole(credits: i64) -> Self {
        Self { millis: credits * 1000 }
    }
}

impl fmt::Display for Credits {
    /// At most two decimals, as few as needed: `50`, `49.98`, `0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.millis.div_euclid(10);
        let sign = if hundredths < 0 { "-" } else { "" };
        let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
        match rest {
            0 => write!(f, "{sign}{whole}"),
            r if r % 10 == 0 => write!(f, "{sign}{whole}.{}", r / 10),
            r => write!(f, "{sign}{whole}.{r:02}"),
        }
    }
}

/// An exact amount of credit, in millionths: what the ledger books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct MicroCredits {
    /// Millionths of a credit.
    pub micros: i64,
}

impl MicroCredits {
    /// An amount in millionths of a credit.
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Rounded down to thousandths, so that nobody is shown more than there is.
    pub const fn rounded_down(self) -> Credits {
        Credits::from_millis(self.micros.div_euclid(1000))
    }
}

impl From<Credits> for MicroCredits {
    fn from(credits: Credits) -> Self {
        Self { micros: credits.millis.saturating_mul(1000) }
    }
}

impl fmt::Display for MicroCredits {
    /// At most four decimals, as few as needed: `50`, `-0.0167`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = (self.micros.unsigned_abs() + 50) / 100;
        let sign = if self.micros < 0 && amount > 0 { "-" } else { "" };
        let (whole, rest) = (amount / 10_000, format!("{:04}", amount % 10_000));
        match rest.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            rest => write!(f, "{sign}{whole}.{rest}"),
        }
    }
}

/// A named limit of processor and memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceSize {
    /// `small`, `medium` …
    pub name: String,
    /// Processor time, in thousandths of a core.
    pub cpu_millis: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// How many processes and threads.
    pub pids: u32,
    /// Price of an hour.
    pub price_per_hour: Credits,
}

#[cfg(test)]
mod tests {
    use super::{Credits, MicroCredits};

    #[test]
    fn exact_amounts_read_well() {
        for (micros, text) in
            [(50_000_000, "50"), (-16_667, "-0.0167"), (1_500_000, "1.5"), (-20, "0"), (-50, "-0.0001"), (0, "0")]
        {
            assert_eq!(MicroCredits::from_micros(micros).to_string(), text);
        }
        assert_eq!(MicroCredits::from_micros(-1).rounded_down(), Credits::from_millis(-1));
    }

    #[test]
    fn credits_read_well() {
        for (millis, text) in [(50_000, "50"), (49_983, "49.98"), (500, "0.5"), (0, "0"), (-1500, "-1.5"), (9, "0")] {
            assert_eq!(Credits::from_millis(millis).to_string(), text);
        }
    }
}
