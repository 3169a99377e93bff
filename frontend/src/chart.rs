//! From lists of numbers to lines and labels. Pure; the same on the server and in the browser.

use crate::format;
use aerie_domain::{FigureSpec, FigureUnit};
use std::fmt::Write as _;

/// Width of a chart's own units; the page stretches it.
pub const WIDTH: f64 = 600.0;
/// Height in the same units.
pub const HEIGHT: f64 = 120.0;

/// What numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Things per second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Thousandths of a core, shown as percent of one.
    Cpu,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
}

impl Unit {
    /// What the numbers of a figure mean.
    pub fn of(figure: &FigureSpec) -> Self {
        match (figure.unit, figure.per_second) {
            (FigureUnit::Count, false) => Self::Count,
            (FigureUnit::Count, true) => Self::PerSecond,
            (FigureUnit::Bytes, false) => Self::Bytes,
            (FigureUnit::Bytes, true) => Self::BytesPerSecond,
            (FigureUnit::Milliseconds, _) => Self::Milliseconds,
        }
    }

    /// A number in words.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of graphs are small and positive"
    )]
    pub fn show(self, number: f64) -> String {
        match self {
            Self::Count => plain(number),
            Self::PerSecond => format!("{}/s", plain(number)),
            Self::Milliseconds if number >= 1000.0 => format!("{} s", plain(number / 1000.0)),
            Self::Milliseconds => format!("{} ms", plain(number)),
            Self::Cpu => format!("{} %", plain(number / 10.0)),
            Self::Bytes => format::bytes(number as u64),
            Self::BytesPerSecond => format!("{}/s", format::bytes(number as u64)),
        }
    }

    /// The end of an axis that holds `most`: a number that reads well.
    pub fn ceiling(self, most: f64) -> f64 {
        let least = match self {
            Self::Count | Self::PerSecond | Self::Milliseconds => 1.0,
            Self::Cpu => 100.0,
            Self::Bytes | Self::BytesPerSecond => 1024.0,
        };
        let most = most.max(least);
        if matches!(self, Self::Bytes | Self::BytesPerSecond) {
            return most.log2().ceil().exp2();
        }
        let power = 10_f64.powf(most.log10().floor());
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|end| *end >= most * 0.999).unwrap_or(most)
    }
}

/// Three digits at most: "0.25", "4.1", "120", "1 200".
fn plain(number: f64) -> String {
    let text = if number >= 100.0 {
        format!("{number:.0}")
    } else if number >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// Its numbers; absent where nothing was measured.
    pub numbers: Vec<Option<f64>>,
}

impl Line {
    /// The newest number.
    pub fn newest(&self) -> Option<f64> {
        self.numbers.iter().rev().find_map(|number| *number)
    }

    /// The highest number.
    pub fn highest(&self) -> Option<f64> {
        self.numbers.iter().flatten().copied().reduce(f64::max)
    }

    /// The mean of the numbers that there are.
    #[expect(clippy::cast_precision_loss, reason = "a graph has at most some thousand points")]
    pub fn mean(&self) -> Option<f64> {
        let there: Vec<f64> = self.numbers.iter().flatten().copied().collect();
        (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64)
    }

    /// The line as an SVG path, where `ceiling` is the upper edge. It is broken where nothing was measured; a number
    /// that stands alone is a short dash.
    #[expect(clippy::cast_precision_loss, reason = "a graph has at most some thousand points")]
    pub fn path(&self, ceiling: f64) -> String {
        let step = WIDTH / self.numbers.len().max(1) as f64;
        let mut path = String::new();
        let mut drawing = false;
        for (index, number) in self.numbers.iter().enumerate() {
            let Some(number) = number else {
                drawing = false;
                continue;
            };
            let y = HEIGHT - (number / ceiling).clamp(0.0, 1.0) * HEIGHT;
            let x = (index as f64 + 0.5) * step;
            let alone = !drawing && self.numbers.get(index + 1).is_none_or(Option::is_none);
            // Writing into a String cannot fail.
            let _ = if alone {
                write!(path, "M{:.1} {y:.1}H{:.1}", x - step / 2.0, x + step / 2.0)
            } else {
                write!(path, "{}{x:.1} {y:.1}", if drawing { 'L' } else { 'M' })
            };
            drawing = true;
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(numbers: &[Option<f64>]) -> Line {
        Line { name: "x".to_owned(), numbers: numbers.to_vec() }
    }

    #[test]
    fn numbers_read_well() {
        for (unit, number, text) in [
            (Unit::Count, 1200.0, "1200"),
            (Unit::PerSecond, 0.0, "0/s"),
            (Unit::PerSecond, 99.64, "99.6/s"),
            (Unit::PerSecond, 500.2, "500/s"),
            (Unit::Milliseconds, 0.25, "0.25 ms"),
            (Unit::Milliseconds, 1500.0, "1.5 s"),
            (Unit::Cpu, 250.0, "25 %"),
            (Unit::Bytes, 1536.0, "1.5 KiB"),
            (Unit::BytesPerSecond, 0.0, "0 B/s"),
        ] {
            assert_eq!(unit.show(number), text);
        }
    }

    #[test]
    fn axes_end_at_numbers_that_read_well_and_nothing_sticks_out() {
        for (unit, most, end) in [
            (Unit::PerSecond, 0.0, 1.0),
            (Unit::PerSecond, 101.0, 200.0),
            (Unit::PerSecond, 100.0, 100.0),
            (Unit::Milliseconds, 3.2, 5.0),
            (Unit::Cpu, 12.0, 100.0),
            (Unit::Bytes, 1025.0, 2048.0),
        ] {
            assert!((unit.ceiling(most) - end).abs() < 1e-6, "{most} gave {}", unit.ceiling(most));
        }
    }

    #[test]
    fn lines_break_where_nothing_was_measured() {
        let path = line(&[Some(0.0), Some(10.0), None, Some(5.0)]).path(10.0);
        assert_eq!(path, "M75.0 120.0L225.0 0.0M450.0 60.0H600.0");
        assert_eq!(line(&[None, None]).path(10.0), "");
        assert_eq!(line(&[Some(99.0)]).path(10.0), "M0.0 0.0H600.0", "never outside");
    }

    #[test]
    fn a_line_in_three_numbers() {
        let line = line(&[Some(1.0), None, Some(4.0), Some(1.0), None]);
        assert_eq!((line.newest(), line.highest(), line.mean()), (Some(1.0), Some(4.0), Some(2.0)));
    }
}
