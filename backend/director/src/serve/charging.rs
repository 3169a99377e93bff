//! Charges, warns, and stops what nobody pays for, now and then.

use aerie_domain::BootId;
use aerie_usecases::{Uptime, UseCases};
use std::{fs, io, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// Longer: credit that is used up is noticed later, and more can happen between a step of the clock and its being seen.
/// Shorter: more transactions that find nothing to do. Never longer than the period of booking.
const EVERY: Duration = Duration::from_secs(15);

/// Runs until it is dropped, which may happen anywhere: what was not committed is done by whoever is next.
pub(super) async fn charge(usecases: UseCases) {
    let mut tick = interval(EVERY.min(usecases.settings().charge_period));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(failure) = usecases.charge(&uptime).await {
            // Logs the cause; the next round tries again.
            let _told_in_the_log = failure.into_problem();
        }
    }
}

/// Linux' own clock since boot (proc(5): the first number of `uptime`, seconds; it counts suspended time too), and the
/// id that the kernel gives each boot.
fn uptime() -> io::Result<Uptime> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    parse(&boot, &fs::read_to_string("/proc/uptime")?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/uptime or the boot id cannot be read"))
}

fn parse(boot: &str, uptime: &str) -> Option<Uptime> {
    let boot = boot.trim().parse::<BootId>().ok()?;
    let (seconds, hundredths) = uptime.split_whitespace().next()?.split_once('.')?;
    let millis = seconds.parse::<u64>().ok()?.checked_mul(1000)? + hundredths.parse::<u64>().ok()?.min(99) * 10;
    Some(Uptime { boot, uptime: Duration::from_millis(millis) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_clock_is_read_and_goes_on() {
        let before = uptime().expect("Linux has both files");
        let after = uptime().expect("Linux has both files");
        assert_eq!(before.boot, after.boot);
        assert!(after.uptime >= before.uptime);
        let boot = "7a1c3f52-9f0e-4d26-8a43-0f6d2f6c9b11\n";
        assert_eq!(parse(boot, "12.07 3.00\n").map(|read| read.uptime), Some(Duration::from_millis(12_070)));
        assert_eq!((parse("", "1.00 2.00"), parse(boot, "soon")), (None, None));
    }
}
