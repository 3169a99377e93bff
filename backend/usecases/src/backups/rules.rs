//! What comes next. Pure.

use aerie_domain::{BackupJobKind, DesiredState, views::ActionState};
use aerie_store::TaskResult;
use std::time::Duration;

/// How long a step waits for an instance that can do it. Longer: an unhealthy service is noticed later; shorter: an instance
/// that is just being replaced fails a backup.
const WAIT_FOR_INSTANCE: Duration = Duration::from_mins(2);
/// What a task may take beyond its own limit, which its agent keeps: until it has been told of it, and has told. Longer: an
/// agent that went silent holds up its service's backups; shorter: a busy machine fails them.
const GRACE: Duration = Duration::from_mins(3);

/// A step as it is now.
#[derive(Debug, Clone)]
pub(super) struct Moment<'a> {
    /// What the service shall be.
    pub desired: DesiredState,
    /// There is an instance that could do it.
    pub ready: bool,
    /// An instance was asked.
    pub asked: bool,
    /// What it told; none when it was not asked, or when that was forgotten.
    pub result: Option<&'a TaskResult>,
    /// How long it is at this step, or since an instance was asked.
    pub age: Duration,
    /// What its script may take.
    pub limit: Duration,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing yet.
    Wait,
    /// Ask an instance.
    Ask,
    /// The script has ended well.
    Done,
    /// The script says no, in these words.
    No(String),
    /// It did not come to an end of its own.
    Broken(String),
}

/// Decides.
pub(super) fn next(moment: &Moment<'_>) -> Next {
    if moment.desired != DesiredState::Running {
        return Next::Broken("the service was stopped".to_owned());
    }
    let Some(result) = moment.result else {
        return match (moment.asked, moment.ready) {
            (true, _) => Next::Broken("nobody knows what became of it".to_owned()),
            (false, true) => Next::Ask,
            (false, false) if moment.age > WAIT_FOR_INSTANCE => Next::Broken("no instance was ready for it".to_owned()),
            (false, false) => Next::Wait,
        };
    };
    match (result.state, result.code) {
        (ActionState::Asked | ActionState::Running, _) if moment.age > moment.limit + GRACE => {
            Next::Broken("nothing was heard of it for too long".to_owned())
        }
        (ActionState::Asked | ActionState::Running, _) => Next::Wait,
        (ActionState::Ended, Some(0)) => Next::Done,
        // As shells say it of programs that are not there.
        (ActionState::Ended, Some(126 | 127)) => Next::Broken(OLD_INSTANCE.to_owned()),
        (ActionState::Ended, Some(_)) => Next::No(said(&result.message).to_owned()),
        (ActionState::Ended, None) | (ActionState::Lost, _) => Next::Broken(result.message.clone()),
    }
}

/// What an instance lacks whose image is older than the kind's backups.
pub(super) const OLD_INSTANCE: &str =
    "its instance was started before services of this kind had backups; stop the service and start it again";

/// The script's own words, if it had any: they come after how it ended.
fn said(message: &str) -> &str {
    message.split_once(":\n").map_or(message, |(_, words)| words).trim()
}

/// Why no job can begin now.
pub(super) fn obstacle(desired: DesiredState, job: Option<BackupJobKind>, ready: bool) -> Result<(), String> {
    let goes_on = match job {
        Some(BackupJobKind::Backup) => "A backup is being made",
        Some(BackupJobKind::Upload) => "An uploaded backup is being checked",
        Some(BackupJobKind::Restore) => "A backup is being put back",
        None if desired != DesiredState::Running => {
            return Err("Start the service first: one of its instances has to do this.".to_owned());
        }
        None if !ready => return Err("No instance is ready for this yet.".to_owned()),
        None => return Ok(()),
    };
    Err(format!("{goes_on}. Wait until that has ended."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(state: ActionState, code: Option<i32>, message: &str) -> TaskResult {
        TaskResult { state, code, message: message.to_owned() }
    }

    fn moment(result: Option<&TaskResult>) -> Moment<'_> {
        Moment {
            desired: DesiredState::Running,
            ready: true,
            asked: result.is_some(),
            result,
            age: Duration::ZERO,
            limit: Duration::from_mins(1),
        }
    }

    #[test]
    fn an_instance_is_asked_once_and_heard() {
        assert_eq!(next(&moment(None)), Next::Ask);
        for state in [ActionState::Asked, ActionState::Running] {
            assert_eq!(next(&moment(Some(&result(state, None, "")))), Next::Wait);
        }
        assert_eq!(next(&moment(Some(&result(ActionState::Ended, Some(0), "ended with exit code 0")))), Next::Done);
        let no = result(ActionState::Ended, Some(1), "ended with exit code 1:\nthe end is missing");
        assert_eq!(next(&moment(Some(&no))), Next::No("the end is missing".to_owned()));
        let killed = result(ActionState::Ended, None, "was ended by KILL");
        assert_eq!(next(&moment(Some(&killed))), Next::Broken("was ended by KILL".to_owned()));
        let old = result(ActionState::Ended, Some(127), "ended with exit code 127");
        assert!(matches!(next(&moment(Some(&old))), Next::Broken(words) if words.contains("start it again")));
    }

    /// Whatever is the case, sooner or later there is an end.
    #[test]
    fn nothing_waits_for_ever() {
        let late = Duration::from_hours(1);
        let results = [ActionState::Asked, ActionState::Running, ActionState::Ended, ActionState::Lost]
            .map(|state| result(state, None, "x"));
        for result in results.iter().map(Some).chain([None]) {
            for (asked, ready) in [(true, true), (true, false), (false, false)] {
                let asked = asked || result.is_some();
                let stuck = Moment { asked, ready, age: late, ..moment(result) };
                assert!(!matches!(next(&stuck), Next::Wait), "{stuck:?}");
                let stopped = Moment { desired: DesiredState::Stopped, age: Duration::ZERO, ..stuck };
                assert!(matches!(next(&stopped), Next::Broken(_)), "{stopped:?}");
            }
        }
        let early = Moment { asked: false, ready: false, ..moment(None) };
        assert_eq!(next(&early), Next::Wait, "an instance may just be replaced");
    }

    #[test]
    fn what_is_in_the_way_is_said() {
        assert_eq!(obstacle(DesiredState::Running, None, true), Ok(()));
        for (desired, job, ready, word) in [
            (DesiredState::Stopped, None, false, "Start the service"),
            (DesiredState::Running, None, false, "ready"),
            (DesiredState::Running, Some(BackupJobKind::Restore), true, "put back"),
            (DesiredState::Running, Some(BackupJobKind::Backup), true, "made"),
            (DesiredState::Running, Some(BackupJobKind::Upload), true, "checked"),
        ] {
            assert!(obstacle(desired, job, ready).is_err_and(|text| text.contains(word)), "{word}");
        }
    }
}
