//! What services do now: the figures that lists and pages show beside them.

use crate::{Outcome, UseCases};
use aerie_domain::{
    Across, FigureSpec, FigureUnit, RoleName, ServiceId,
    views::{ApplicationView, FigureView, ServiceSummary, UseView},
};
use aerie_kinds::KindSpec;
use aerie_store::{FigureLoadRow, RequestsNowRow};

/// Name of the figure that all kinds with visitors have.
const REQUESTS: &str = "requests";

impl UseCases {
    /// Adds to lists what their services do.
    pub(crate) async fn add_figures<'a>(
        &self,
        services: impl IntoIterator<Item = &'a mut ServiceSummary>,
    ) -> Outcome<()> {
        let mut services: Vec<&mut ServiceSummary> = services.into_iter().collect();
        // Asked for nothing that nobody tells: this is on the way of every list.
        let kinds = services.iter().filter_map(|service| Some((service.id, self.kinds().get(&service.kind)?)));
        let (mut tell, mut count) = (Vec::new(), Vec::new());
        for (id, kind) in kinds {
            if kind.spec.roles.iter().any(|role| role.process.metrics.figures.is_some()) {
                tell.push(id);
            }
            count.extend(visited(&kind.spec).map(|role| (id, role.clone())));
        }
        let told = if tell.is_empty() { Vec::new() } else { self.store().figures_now(&tell).await? };
        let requests = if count.is_empty() { Vec::new() } else { self.store().requests_now(&count).await? };
        for service in &mut services {
            if let Some(kind) = self.kinds().get(&service.kind) {
                service.figures = figures(&kind.spec, service.id, &told, &requests);
            }
        }
        Ok(())
    }

    /// Adds to an application which of its services uses which.
    pub(crate) async fn add_uses(&self, application: &mut ApplicationView) -> Outcome<()> {
        let rows = self.store().bindings_of_application(application.id).await?;
        let there = |id: ServiceId| application.services.iter().any(|service| service.id == id);
        let rows = rows.into_iter().filter(|row| there(row.service_id) && there(row.uses_id));
        let uses = rows.map(|row| UseView { service_id: row.service_id, uses_id: row.uses_id, prefix: row.prefix });
        application.uses = uses.collect();
        Ok(())
    }
}

/// The role that visitors come to, if their requests are counted there.
fn visited(kind: &KindSpec) -> Option<&RoleName> {
    let counted =
        |name: &RoleName| kind.roles.iter().any(|role| role.name == *name && role.process.metrics.counts_requests());
    kind.public.as_ref().map(|public| &public.role).filter(|role| counted(role))
}

/// The figures of one service, in the kind's order: requests of visitors first.
fn figures(kind: &KindSpec, id: ServiceId, told: &[FigureLoadRow], requests: &[RequestsNowRow]) -> Vec<FigureView> {
    let mut figures = Vec::new();
    if let Some(role) = visited(kind) {
        let now = requests.iter().find(|row| row.service_id == id && row.role == *role);
        figures.push(FigureView {
            role: role.to_string(),
            spec: visits(),
            value: now.map(|row| short(row.per_second)),
        });
    }
    for role in &kind.roles {
        for spec in role.process.metrics.figures.iter().flat_map(|probe| &probe.shown) {
            let mine = told.iter().filter(|row| row.service_id == id && row.role == role.name && row.name == spec.name);
            let value = mine.map(mean).reduce(|one, other| spec.across.join(one, other)).map(short);
            figures.push(FigureView { role: role.name.to_string(), spec: spec.clone(), value });
        }
    }
    figures
}

fn visits() -> FigureSpec {
    FigureSpec {
        name: REQUESTS.to_owned(),
        title: "Requests".to_owned(),
        unit: FigureUnit::Count,
        per_second: true,
        across: Across::Sum,
    }
}

/// The figure of a slot.
#[expect(clippy::cast_precision_loss, reason = "some samples")]
pub(crate) fn mean(row: &FigureLoadRow) -> f64 {
    row.total / row.samples.max(1) as f64
}

/// Three decimals: more is noise.
fn short(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
