//! What a process in an instance may do beyond an ordinary user.

/// Linux capabilities that a kind may name. None of them reaches beyond the container; everything else, such as
/// `SYS_ADMIN`, `NET_ADMIN` or `NET_RAW` (forged addresses), is refused wherever it is asked for.
pub const ALLOWED_CAPABILITIES: &[&str] =
    &["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID", "SYS_CHROOT"];
