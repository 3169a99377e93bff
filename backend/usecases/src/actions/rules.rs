//! What may be pressed, and where it runs. Pure.

use crate::Outcome;
use aerie_domain::{FieldError, InstanceId, LifeId, Problem, RoleName, RolePhase, views::ActionTarget};
use aerie_kinds::ActionSpec;
use aerie_store::{InstanceLite, OpenActionRow};
use std::collections::BTreeMap;

/// An instance that takes tasks.
#[derive(Debug, Clone)]
pub(crate) struct Candidate<'a> {
    pub id: InstanceId,
    pub short: &'a str,
    pub life: LifeId,
    roles: Vec<&'a RoleName>,
}

impl<'a> Candidate<'a> {
    /// Nothing when it cannot take tasks now: it is not up yet, or on its way out.
    pub fn of(instance: &'a InstanceLite) -> Option<Self> {
        let life = instance.report.as_ref()?.life?;
        let serving = instance.roles.iter().filter(|role| role.phase == RolePhase::Serving).map(|role| &role.role);
        let roles: Vec<_> = serving.collect();
        (instance.wanted && !roles.is_empty()).then(|| Self { id: instance.id, short: &instance.short, life, roles })
    }

    /// It serves this role.
    pub fn serves(&self, role: &RoleName) -> bool {
        self.roles.contains(&role)
    }

    /// As which of its roles it would run an action.
    fn role(&self, action: &'a ActionSpec) -> Option<&'a RoleName> {
        action.roles.iter().find(|role| self.roles.contains(role))
    }
}

/// Why an action cannot be pressed now.
pub(super) fn obstacle(action: &ActionSpec, all: &[Candidate<'_>], open: &[OpenActionRow]) -> Result<(), String> {
    if !all.iter().any(|candidate| candidate.role(action).is_some()) {
        return Err("No instance is ready for this yet.".to_owned());
    }
    if let Some(open) = open.iter().find(|open| action.excludes.contains(&open.action)) {
        return Err(in_the_way(open));
    }
    if !action.stops.is_empty() && !open.iter().any(|open| action.stops.contains(&open.action)) {
        return Err("Nothing runs that this could end.".to_owned());
    }
    Ok(())
}

/// An open run that forbids something.
pub(super) fn in_the_way(open: &OpenActionRow) -> String {
    format!("The action {} has not ended on instance {} yet. Wait until it has, or end it.", open.action, open.short)
}

/// Where it runs, and as which role: at least on one instance.
pub(super) fn targets<'a>(
    action: &'a ActionSpec,
    all: &'a [Candidate<'a>],
    chosen: Option<&[InstanceId]>,
    open: &[OpenActionRow],
) -> Outcome<Vec<(&'a Candidate<'a>, &'a RoleName)>> {
    let able: Vec<_> = all.iter().filter_map(|candidate| Some((candidate, candidate.role(action)?))).collect();
    let picked: Vec<_> = match (action.on, chosen) {
        (ActionTarget::Chosen, Some(chosen)) => {
            if let Some(id) = chosen.iter().find(|id| able.iter().all(|(candidate, _)| candidate.id != **id)) {
                let message = format!("must be able to do this now, which {} is not", id.short());
                return Err(Problem::field("instances", message).into());
            }
            able.into_iter().filter(|(candidate, _)| chosen.contains(&candidate.id)).collect()
        }
        (_, Some(_)) => {
            return Err(Problem::field("instances", "cannot be chosen for this action: leave them out").into());
        }
        (ActionTarget::First, None) => able.into_iter().take(1).collect(),
        (ActionTarget::All | ActionTarget::Chosen, None) => able,
    };
    if picked.is_empty() {
        return Err(Problem::field("instances", "must be at least one").into());
    }
    let ends = |candidate: &Candidate<'_>| {
        open.iter().any(|open| action.stops.contains(&open.action) && open.instance_id == candidate.id)
    };
    if !action.stops.is_empty() && !picked.iter().any(|(candidate, _)| ends(candidate)) {
        return Err(super::refused("Nothing runs on these instances that this could end.".to_owned()).into());
    }
    Ok(picked)
}

/// What was typed in, checked, in its normal form and complete.
pub(super) fn values(
    action: &ActionSpec,
    typed: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut values: BTreeMap<String, String> =
        action.fields.iter().map(|field| (field.name.clone(), field.default.clone())).collect();
    for (name, value) in typed {
        let field = format!("values.{name}");
        match action.fields.iter().find(|spec| spec.name == *name).map(|spec| spec.normalise(value)) {
            Some(Ok(value)) => {
                values.insert(name.clone(), value);
            }
            Some(Err(message)) => errors.push(FieldError { field, message }),
            None => errors.push(FieldError { field, message: "is not a field of this action".to_owned() }),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

#[cfg(test)]
mod tests;
