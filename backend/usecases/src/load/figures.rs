//! Figures that kinds show, as lists of numbers.

use super::{
    assemble::{point, put, short},
    span::Span,
};
use aerie_domain::{
    Across, InstanceId,
    views::{Figures, LoadView},
};
use aerie_kinds::KindSpec;
use aerie_store::FigureLoadRow;
use std::collections::BTreeMap;

/// Which figure: role and name.
type Key<'a> = (&'a str, &'a str);

/// Adds them to an answer. Figures that the kind does not show any more are left out.
#[expect(clippy::cast_precision_loss, reason = "some hundred samples")]
pub(super) fn add(view: &mut LoadView, span: Span, kind: Option<&KindSpec>, rows: &[FigureLoadRow]) {
    let mut sums: BTreeMap<(Key<'_>, InstanceId, usize), (f64, u64)> = BTreeMap::new();
    for row in rows {
        let Some(point) = point(span, row.at) else { continue };
        let sum = sums.entry(((row.role.as_str(), &row.name), row.instance_id, point)).or_default();
        *sum = (sum.0 + row.total, sum.1.saturating_add(row.samples));
    }
    let mut together: BTreeMap<(Key<'_>, usize), f64> = BTreeMap::new();
    for ((key, instance, point), (total, samples)) in sums {
        let Some(across) = across(kind, key) else { continue };
        let number = total / samples.max(1) as f64;
        together.entry((key, point)).and_modify(|sum| *sum = across.join(*sum, number)).or_insert(number);
        if let Some(view) = view.instances.iter_mut().find(|view| view.id == instance) {
            set(&mut view.figures, key, view.memory_bytes.len(), point, number);
        }
    }
    for ((key, point), number) in together {
        set(&mut view.figures, key, view.points, point, number);
    }
}

fn across(kind: Option<&KindSpec>, (role, name): Key<'_>) -> Option<Across> {
    let role = kind?.roles.iter().find(|known| known.name.as_str() == role)?;
    let shown = &role.process.metrics.figures.as_ref()?.shown;
    shown.iter().find(|spec| spec.name == name).map(|spec| spec.across)
}

fn set(figures: &mut Figures, (role, name): Key<'_>, points: usize, point: usize, number: f64) {
    let series = figures.entry(role.to_owned()).or_default().entry(name.to_owned()).or_default();
    series.resize(points, None);
    put(series, point, Some(short(number)));
}
