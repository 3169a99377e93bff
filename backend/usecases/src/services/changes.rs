//! What forms change: checked against the kind, every mistake told at its field. No I/O.

use crate::Outcome;
use aerie_domain::{
    FieldError, Problem, RoleName, VariableName,
    views::{Scale, VariableChange},
};
use aerie_kinds::Kind;
use aerie_store::Variable;
use std::collections::BTreeMap;

/// Environment variables per service. Larger: bigger configurations for every instance.
const MAX_VARIABLES: usize = 100;
/// Longest value of a variable, in bytes. Larger: as above.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// The counts of a new service: the smallest of each role that users scale.
pub(super) fn default_counts(kind: &Kind) -> BTreeMap<RoleName, u32> {
    kind.spec.roles.iter().filter(|role| !role.auxiliary).map(|role| (role.name.clone(), role.min)).collect()
}

/// Takes the counts of a form over.
pub(super) fn apply_counts(kind: &Kind, form: &Scale, counts: &mut BTreeMap<RoleName, u32>) -> Outcome<()> {
    let mut errors = Vec::new();
    if form.roles.is_empty() {
        errors.push(FieldError { field: "roles".into(), message: "must name at least one role".into() });
    }
    for (name, count) in &form.roles {
        let field = format!("roles.{name}");
        let role = kind.spec.roles.iter().find(|role| role.name.as_str() == name && !role.auxiliary);
        let Some(role) = role else {
            let known: Vec<&str> =
                kind.spec.roles.iter().filter(|role| !role.auxiliary).map(|role| role.name.as_str()).collect();
            errors.push(FieldError {
                field,
                message: format!("is not a role of this kind; its roles are {}", known.join(", ")),
            });
            continue;
        };
        match u32::try_from(*count) {
            Ok(count) if (role.min..=role.max).contains(&count) => {
                counts.insert(role.name.clone(), count);
            }
            _ => errors.push(FieldError { field, message: format!("must be between {} and {}", role.min, role.max) }),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors).into()) }
}

/// Takes the settings of a form over; gives what is wrong with them.
pub(super) fn apply_settings(
    kind: &Kind,
    changes: &BTreeMap<String, String>,
    settings: &mut BTreeMap<String, String>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (name, value) in changes {
        let field = format!("settings.{name}");
        match kind.spec.settings.iter().find(|spec| spec.name == *name).map(|spec| spec.normalise(value)) {
            Some(Ok(value)) => {
                settings.insert(name.clone(), value);
            }
            Some(Err(message)) => errors.push(FieldError { field, message }),
            None => errors.push(FieldError { field, message: "is not a setting of this kind".into() }),
        }
    }
    errors
}

/// Takes the variables of a form over; gives what is wrong with them.
pub(super) fn apply_variables(
    changes: &[VariableChange],
    variables: &mut BTreeMap<String, Variable>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for change in changes {
        let field = format!("variables.{}", change.name);
        if let Err(error) = change.name.parse::<VariableName>() {
            errors.push(FieldError { field, message: format!("name {error}") });
            continue;
        }
        match &change.value {
            None => {
                variables.remove(&change.name);
            }
            Some(value) if value.len() > MAX_VALUE_BYTES => {
                errors.push(FieldError { field, message: format!("must have at most {MAX_VALUE_BYTES} bytes") });
            }
            Some(value) if value.contains('\0') => {
                errors.push(FieldError { field, message: "must not have NUL characters".into() });
            }
            Some(value) => {
                variables.insert(change.name.clone(), Variable { value: value.clone(), secret: change.secret });
            }
        }
    }
    if variables.len() > MAX_VARIABLES {
        errors.push(FieldError { field: "variables".into(), message: format!("must be at most {MAX_VARIABLES}") });
    }
    errors
}
