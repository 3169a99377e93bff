//! Requests from the lines that a process logs anyway.

use super::RoleLoad;
use aerie_agent_protocol::RequestLog;

/// Reads one stream of one process.
pub(crate) struct RequestMeter {
    log: RequestLog,
    load: RoleLoad,
}

impl RequestMeter {
    /// Counts for this role what the log declares.
    pub(crate) fn new(log: RequestLog, load: RoleLoad) -> Self {
        Self { log, load }
    }

    /// Counts the line, if it tells of a request.
    pub(crate) fn see(&self, line: &str) {
        if let Some((status, micros)) = read(&self.log, line) {
            self.load.request(status, micros);
        }
    }
}

/// Status and time of a request; nothing when the line is something else. A time that is not known (HAProxy writes -1
/// for a request that was cut off) is left out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and a time beyond 2^64 µs is cut to that"
)]
fn read(log: &RequestLog, line: &str) -> Option<(u16, Option<u64>)> {
    let status: u16 = word(line, log.status)?.parse().ok().filter(|status| (100..=599).contains(status))?;
    let time: f64 = word(line, log.time)?.parse().ok().filter(|time: &f64| time.is_finite())?;
    Some((status, (time >= 0.0).then(|| (time * log.unit.micros()) as u64)))
}

/// The nth word, from 1, or from the end when negative.
fn word(line: &str, position: i16) -> Option<&str> {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let skip = usize::from(position.unsigned_abs()).checked_sub(1)?;
    if position > 0 { words.nth(skip) } else { words.rev().nth(skip) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_agent_protocol::TimeUnit;

    fn log(status: i16, time: i16, unit: TimeUnit) -> RequestLog {
        RequestLog { stream: "access".into(), status, time, unit }
    }

    #[test]
    fn real_lines_are_read() {
        // As php's haproxy.cfg and nginx.conf write them.
        let haproxy = log(-6, -3, TimeUnit::Milliseconds);
        let line = "10.208.0.1 \"GET /index.php?a=b\" 200 1234 B 17 ms web-1a2b";
        assert_eq!(read(&haproxy, line), Some((200, Some(17_000))));
        let nginx = log(-5, -2, TimeUnit::Seconds);
        let line = "10.208.0.1 \"GET /style.css HTTP/1.1\" 404 153 B 0.002 s";
        assert_eq!(read(&nginx, line), Some((404, Some(2000))));
    }

    #[test]
    fn what_a_visitor_asks_for_cannot_shift_the_words() {
        let haproxy = log(-6, -3, TimeUnit::Milliseconds);
        let line = "1.2.3.4 \"GET /?\" 500 1 B 99999 ms x\" 200 12 B 3 ms web-1";
        assert_eq!(read(&haproxy, line), Some((200, Some(3000))));
    }

    #[test]
    fn other_lines_are_no_requests() {
        let haproxy = log(-6, -3, TimeUnit::Milliseconds);
        for line in [
            "",
            "Proxy visitors started.",
            "x 700 1 B 3 ms web",
            "x -1 1 B 3 ms web",
            "x 200 1 B NaN ms web",
            "x 200 1 B soon ms web",
        ] {
            assert_eq!(read(&haproxy, line), None, "{line:?}");
        }
        assert_eq!(read(&haproxy, "x 503 0 B -1 ms <NOSRV>"), Some((503, None)), "counts, but has no time");
        assert_eq!(word("a b", 0), None);
        assert_eq!((word("a  b", 2), word("a b", -2), word("a b", 3)), (Some("b"), Some("a"), None));
    }
}
