//! Signals by name, as configurations call them, and by number, as exit statuses do.

use rustix::process::Signal;

const NAMES: &[(&str, Signal)] = &[
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("ILL", Signal::ILL),
    ("TRAP", Signal::TRAP),
    ("ABRT", Signal::ABORT),
    ("BUS", Signal::BUS),
    ("FPE", Signal::FPE),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("SEGV", Signal::SEGV),
    ("USR2", Signal::USR2),
    ("PIPE", Signal::PIPE),
    ("ALRM", Signal::ALARM),
    ("TERM", Signal::TERM),
    ("CONT", Signal::CONT),
    ("STOP", Signal::STOP),
    ("XCPU", Signal::XCPU),
    ("XFSZ", Signal::XFSZ),
    ("WINCH", Signal::WINCH),
    ("SYS", Signal::SYS),
];

/// The signal called `name`, with or without `SIG` in front.
pub(crate) fn by_name(name: &str) -> Option<Signal> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
}

/// What to call signal `number`.
pub(crate) fn name_of(number: i32) -> String {
    NAMES
        .iter()
        .find(|(_, signal)| signal.as_raw() == number)
        .map_or_else(|| format!("signal {number}"), |(name, _)| format!("signal {number} ({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_found_by_either_name() {
        assert_eq!(by_name("TERM"), Some(Signal::TERM));
        assert_eq!(by_name("SIGUSR2"), Some(Signal::USR2));
        assert_eq!(by_name("term"), None);
        assert_eq!(name_of(9), "signal 9 (KILL)");
        assert_eq!(name_of(63), "signal 63");
    }
}
