//! Decides what a wanted configuration calls for. Pure.

use super::Wanted;
use aerie_agent_protocol::ReloadMethod;

/// What has to be done to a running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing; it may still have to show that it is healthy.
    Keep,
    /// Stop it and start it anew.
    Restart,
    /// Tell it.
    Reload(Reload),
}

/// How to tell a running process that its files are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reload {
    /// A program to try first; empty: none.
    pub(super) command: Vec<String>,
    /// The signal that always works.
    pub(super) signal: String,
}

impl Reload {
    /// By a signal alone.
    pub(super) fn by_signal(signal: &str) -> Self {
        Self { command: Vec::new(), signal: signal.to_owned() }
    }
}

/// From what a process has `loaded` to what is `wanted`. `ready`: it was healthy since it started.
pub(super) fn change(loaded: &Wanted, wanted: &Wanted, ready: bool) -> Change {
    let (old, new) = (&loaded.spec, &wanted.spec);
    // Only what the process was started with; how it is probed and stopped can change under it.
    if (&old.command, &old.role, &old.streams, &loaded.environment)
        != (&new.command, &new.role, &new.streams, &wanted.environment)
    {
        return Change::Restart;
    }
    if loaded.files == wanted.files {
        return Change::Keep;
    }
    match &new.reload {
        ReloadMethod::None => Change::Keep,
        ReloadMethod::Restart => Change::Restart,
        // Before it handles signals, a reload signal ends a process or is lost.
        ReloadMethod::Signal(_) | ReloadMethod::Exec { .. } if !ready => Change::Restart,
        ReloadMethod::Signal(name) => Change::Reload(Reload::by_signal(name)),
        ReloadMethod::Exec { command, signal } => {
            Change::Reload(Reload { command: command.clone(), signal: signal.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::wanted;
    use super::*;

    fn with(change: impl FnOnce(&mut Wanted)) -> Wanted {
        let mut wanted = wanted("exec sleep 60");
        change(&mut wanted);
        wanted
    }

    #[test]
    fn equal_or_only_probed_otherwise_is_kept() {
        let loaded = with(|_| ());
        assert_eq!(change(&loaded, &loaded, true), Change::Keep);
        let probed_otherwise = with(|w| {
            w.generation = 2;
            w.spec.health.interval_ms = 7;
            w.spec.stop_signal = "QUIT".into();
            w.spec.check = vec!["x".into()];
        });
        assert_eq!(change(&loaded, &probed_otherwise, true), Change::Keep);
    }

    #[test]
    fn command_or_environment_call_for_a_restart() {
        let loaded = with(|_| ());
        assert_eq!(change(&loaded, &with(|w| w.spec.command.push("x".into())), true), Change::Restart);
        let variable = with(|w| {
            w.environment.insert("A".into(), "1".into());
        });
        assert_eq!(change(&loaded, &variable, true), Change::Restart);
    }

    #[test]
    fn files_call_for_what_the_process_says() {
        let loaded = with(|_| ());
        let files = |reload: ReloadMethod| {
            with(|w| {
                w.files = [1; 32];
                w.spec.reload = reload;
            })
        };
        assert_eq!(change(&loaded, &files(ReloadMethod::None), true), Change::Keep);
        assert_eq!(change(&loaded, &files(ReloadMethod::Restart), true), Change::Restart);
        let by_signal = files(ReloadMethod::Signal("HUP".into()));
        assert_eq!(change(&loaded, &by_signal, true), Change::Reload(Reload::by_signal("HUP")));
        assert_eq!(change(&loaded, &by_signal, false), Change::Restart);
        let by_program = files(ReloadMethod::Exec { command: vec!["tell".into()], signal: "HUP".into() });
        let told = Reload { command: vec!["tell".into()], signal: "HUP".into() };
        assert_eq!(change(&loaded, &by_program, true), Change::Reload(told));
        assert_eq!(change(&loaded, &by_program, false), Change::Restart);
    }
}
