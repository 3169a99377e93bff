#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use super::*;
use crate::Failure;
use aerie_domain::{ActionRunId, SettingKind, SettingSpec, views::ActionState};

fn action(name: &str, on: ActionTarget) -> ActionSpec {
    ActionSpec {
        name: name.parse().unwrap(),
        title: name.to_owned(),
        help: String::new(),
        roles: vec!["master".parse().unwrap(), "node".parse().unwrap()],
        on,
        command: vec!["/x".to_owned()],
        excludes: vec!["run".parse().unwrap()],
        stops: Vec::new(),
        timeout_s: 0,
        fields: vec![SettingSpec {
            name: "parameters".to_owned(),
            title: "Parameters".to_owned(),
            help: String::new(),
            kind: SettingKind::Text { max_length: 5 },
            default: "x".to_owned(),
        }],
    }
}

fn candidate(id: InstanceId, role: &RoleName) -> Candidate<'_> {
    Candidate { id, short: "ab", life: LifeId::generate(), roles: vec![role] }
}

fn open(instance_id: InstanceId, action: &str) -> OpenActionRow {
    OpenActionRow {
        run_id: ActionRunId::generate(),
        action: action.parse().unwrap(),
        values: BTreeMap::new(),
        instance_id,
        short: "ab12".to_owned(),
        role: "node".parse().unwrap(),
        life: LifeId::generate(),
        state: ActionState::Running,
    }
}

fn problem<T: std::fmt::Debug>(outcome: Outcome<T>) -> Problem {
    match outcome {
        Err(Failure::Refused(problem)) => problem,
        other => panic!("refused, and not {other:?}"),
    }
}

#[test]
fn values_are_checked_completed_and_nothing_else_is_taken() {
    let run = action("run", ActionTarget::Chosen);
    let typed = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    assert_eq!(values(&run, &typed(&[])).unwrap()["parameters"], "x");
    assert_eq!(values(&run, &typed(&[("parameters", " a ")])).unwrap()["parameters"], "a");
    let errors = values(&run, &typed(&[("parameters", "123456"), ("other", "")])).unwrap_err();
    assert_eq!(errors.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["values.other", "values.parameters"]);
}

#[test]
fn what_excludes_and_what_has_nothing_to_end_is_refused() {
    let (node, id) = ("node".parse().unwrap(), InstanceId::generate());
    let all = [candidate(id, &node)];
    let run = action("run", ActionTarget::Chosen);
    assert_eq!(obstacle(&run, &all, &[]), Ok(()));
    assert!(obstacle(&run, &[], &[]).unwrap_err().contains("No instance"));
    assert!(obstacle(&run, &all, &[open(id, "run")]).unwrap_err().contains("ab12"));
    assert_eq!(obstacle(&run, &all, &[open(id, "other")]), Ok(()));

    let interrupt = ActionSpec {
        stops: vec!["run".parse().unwrap()],
        excludes: vec![],
        ..action("interrupt", ActionTarget::Chosen)
    };
    assert!(obstacle(&interrupt, &all, &[]).is_err());
    assert_eq!(obstacle(&interrupt, &all, &[open(id, "run")]), Ok(()));
    let elsewhere = [open(InstanceId::generate(), "run")];
    assert!(problem(targets(&interrupt, &all, None, &elsewhere)).detail.contains("these instances"));
}

#[test]
fn targets_are_all_the_first_or_the_chosen_ones() {
    let (master, node, door): (RoleName, RoleName, RoleName) =
        ("master".parse().unwrap(), "node".parse().unwrap(), "door".parse().unwrap());
    let [a, b, c] = [InstanceId::generate(), InstanceId::generate(), InstanceId::generate()];
    let all = [candidate(a, &master), candidate(b, &node), candidate(c, &door)];
    let ids = |on, chosen: Option<&[InstanceId]>| {
        let action = action("x", on);
        targets(&action, &all, chosen, &[]).map(|found| found.iter().map(|(c, _)| c.id).collect::<Vec<_>>())
    };
    assert_eq!(ids(ActionTarget::All, None).unwrap(), [a, b]);
    assert_eq!(ids(ActionTarget::First, None).unwrap(), [a]);
    assert_eq!(ids(ActionTarget::Chosen, None).unwrap(), [a, b]);
    assert_eq!(ids(ActionTarget::Chosen, Some(&[b])).unwrap(), [b]);
    for wrong in [
        ids(ActionTarget::Chosen, Some(&[])),
        ids(ActionTarget::Chosen, Some(&[c])),
        ids(ActionTarget::All, Some(&[a])),
    ] {
        assert!(problem(wrong).message_for("instances").is_some());
    }
}
