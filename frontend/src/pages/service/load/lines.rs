//! Which lines each graph has.

use super::Shown;
use crate::chart::Line;
use aerie_domain::{
    FigureSpec,
    views::{Figures, InstanceLoadView, LoadView, RoleLoadView, RoleView},
};

type Numbers = Vec<Option<f64>>;
/// A line's name and where its numbers are.
type OfRole<'a> = (&'a str, fn(&RoleLoadView) -> &Numbers);
type OfInstance<'a> = (&'a str, fn(&InstanceLoadView) -> &Numbers);

/// The role whose requests are shown: the one that was asked for if it is measured, else the first of the kind that is.
pub(super) fn role(asked: Option<&String>, measured: &[String], roles: &[RoleView]) -> Option<String> {
    let is_measured = |name: &String| measured.contains(name);
    let first = || roles.iter().map(|role| &role.name).find(|name| is_measured(name)).or(measured.first());
    asked.filter(|name| is_measured(name)).or_else(first).cloned()
}

pub(super) fn requests(load: &LoadView, shown: &Shown, roles: &[RoleView]) -> Vec<Line> {
    of_role(
        load,
        shown,
        roles,
        &[
            ("requests", |role| &role.requests),
            ("answers 400–499", |role| &role.client_errors),
            ("errors (500 and above)", |role| &role.errors),
        ],
    )
}

pub(super) fn times(load: &LoadView, shown: &Shown, roles: &[RoleView]) -> Vec<Line> {
    let percentiles: [OfRole<'_>; 3] = [
        ("50 % within", |role| &role.p50_ms),
        ("95 % within", |role| &role.p95_ms),
        ("99 % within", |role| &role.p99_ms),
    ];
    if shown.each { of_role(load, shown, roles, &percentiles[1..2]) } else { of_role(load, shown, roles, &percentiles) }
}

pub(super) fn cpu(load: &LoadView, shown: &Shown, _: &[RoleView]) -> Vec<Line> {
    of_instances(load, shown, &[("all instances", |instance| &instance.cpu_millis)])
}

pub(super) fn memory(load: &LoadView, shown: &Shown, _: &[RoleView]) -> Vec<Line> {
    of_instances(load, shown, &[("all instances", |instance| &instance.memory_bytes)])
}

pub(super) fn network(load: &LoadView, shown: &Shown, _: &[RoleView]) -> Vec<Line> {
    of_instances(load, shown, &[("in", |instance| &instance.received_bytes), ("out", |instance| &instance.sent_bytes)])
}

/// A figure of the kind: one line, or (each) one per instance that tells it.
pub(super) fn figure(load: &LoadView, shown: &Shown, role: &str, spec: &FigureSpec) -> Vec<Line> {
    let of = |figures: &Figures| figures.get(role)?.get(&spec.name).cloned();
    if shown.each {
        let line =
            |instance: &InstanceLoadView| Some(Line { name: instance.short.clone(), numbers: of(&instance.figures)? });
        return load.instances.iter().filter_map(line).collect();
    }
    let name = spec.title.to_lowercase();
    of(&load.figures).map(|numbers| Line { name, numbers }).into_iter().collect()
}

/// One line per list, or (each) one per instance that has the role, of the first list.
fn of_role(load: &LoadView, shown: &Shown, roles: &[RoleView], lists: &[OfRole<'_>]) -> Vec<Line> {
    let measured: Vec<String> = load.roles.keys().cloned().collect();
    let Some(role) = role(shown.role.as_ref(), &measured, roles) else { return Vec::new() };
    if shown.each {
        let Some((_, read)) = lists.first() else { return Vec::new() };
        let line = |instance: &InstanceLoadView| {
            Some(Line { name: instance.short.clone(), numbers: read(instance.roles.get(&role)?).clone() })
        };
        return load.instances.iter().filter_map(line).collect();
    }
    let Some(together) = load.roles.get(&role) else { return Vec::new() };
    lists.iter().map(|(name, read)| Line { name: (*name).to_owned(), numbers: read(together).clone() }).collect()
}

/// One line per list with the sum over all instances, or (each) one per instance and list.
fn of_instances(load: &LoadView, shown: &Shown, lists: &[OfInstance<'_>]) -> Vec<Line> {
    if !shown.each {
        let sum = |read: fn(&InstanceLoadView) -> &Numbers| {
            let mut total: Numbers = vec![None; load.points];
            for instance in &load.instances {
                for (place, number) in total.iter_mut().zip(read(instance)) {
                    *place = match (*place, *number) {
                        (Some(one), Some(other)) => Some(one + other),
                        (one, other) => one.or(other),
                    };
                }
            }
            total
        };
        return lists.iter().map(|(name, read)| Line { name: (*name).to_owned(), numbers: sum(*read) }).collect();
    }
    let lines = load.instances.iter().flat_map(|instance| {
        lists.iter().map(|(name, read)| {
            let name = if lists.len() > 1 { format!("{} {name}", instance.short) } else { instance.short.clone() };
            Line { name, numbers: read(instance).clone() }
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_domain::{Across, FigureUnit, InstanceId};
    use leptos_router::params::ParamsMap;
    use time::macros::datetime;

    fn load() -> LoadView {
        let role = |n: f64| RoleLoadView { requests: vec![Some(n)], ..RoleLoadView::empty(1) };
        let instance = |cpu: Option<f64>| InstanceLoadView {
            cpu_millis: vec![cpu],
            roles: [("proxy".to_owned(), role(3.0))].into(),
            ..InstanceLoadView::empty(InstanceId::generate(), 1)
        };
        LoadView {
            from: datetime!(2026-11-21 12:00 UTC),
            to: datetime!(2026-11-21 12:00:05 UTC),
            step_s: 5,
            points: 1,
            roles: [("proxy".to_owned(), role(6.0)), ("a".to_owned(), role(1.0))].into(),
            figures: [("store".to_owned(), [("keys".to_owned(), vec![Some(7.0)])].into())].into(),
            instances: vec![instance(Some(10.0)), instance(None), instance(Some(5.0))],
        }
    }

    fn roles() -> Vec<RoleView> {
        let role = |name: &str| RoleView {
            name: name.to_owned(),
            title: name.to_owned(),
            summary: String::new(),
            count: 1,
            serving: 1,
            min: 1,
            max: 2,
            auxiliary: false,
            counts_requests: true,
            figures: Vec::new(),
        };
        ["proxy", "a"].map(role).to_vec()
    }

    #[test]
    fn together_adds_up_what_was_measured() {
        let shown = Shown::of(&ParamsMap::new());
        assert_eq!(cpu(&load(), &shown, &roles())[0].numbers, [Some(15.0)]);
        let lines = requests(&load(), &shown, &roles());
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].numbers, [Some(6.0)], "the first role of the kind, not of the alphabet");
    }

    #[test]
    fn a_figure_is_one_line() {
        let spec = FigureSpec {
            name: "keys".to_owned(),
            title: "Keys".to_owned(),
            unit: FigureUnit::Count,
            per_second: false,
            across: Across::Sum,
        };
        let lines = figure(&load(), &Shown::of(&ParamsMap::new()), "store", &spec);
        assert_eq!(lines, [Line { name: "keys".to_owned(), numbers: vec![Some(7.0)] }]);
        assert_eq!(figure(&load(), &Shown::of(&ParamsMap::new()), "other", &spec), []);
    }

    #[test]
    fn each_instance_has_a_line() {
        let mut query = ParamsMap::new();
        query.insert("each", "on".to_owned());
        let shown = Shown::of(&query);
        assert_eq!(requests(&load(), &shown, &roles()).len(), 3);
        assert_eq!(network(&load(), &shown, &roles()).len(), 6);
        query.insert("role", "nobody".to_owned());
        assert_eq!(requests(&load(), &Shown::of(&query), &roles()).len(), 3, "what is not there is the usual");
    }
}
