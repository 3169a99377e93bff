//! What is being done, or what failed last.

use super::{ServicePageData, part};
use crate::components::Ago;
use aerie_domain::{OperationKind, OperationState, views::OperationView};
use leptos::prelude::*;

/// The line under the head; empty when nothing is going on.
#[component]
pub fn Operation(page: ServicePageData) -> impl IntoView {
    let operation = part(page, |service| service.operation.clone());
    // The region is always there: screen readers announce only changes of regions they know.
    view! {
        <div class="operation-region" role="status" aria-live="polite">
            {move || operation.get().map(|operation| view! { <Line operation page /> })}
        </div>
    }
}

#[component]
fn Line(operation: OperationView, page: ServicePageData) -> impl IntoView {
    let what = words(operation.kind);
    let (class, text) = match operation.state {
        OperationState::Pending => ("operation running", format!("{what}: waiting for the manager")),
        OperationState::Running if operation.progress.is_empty() => ("operation running", format!("{what}…")),
        OperationState::Running => ("operation running", format!("{what}: {}", operation.progress)),
        OperationState::Failed => ("operation failed", format!("{what} failed: {}", operation.error)),
        OperationState::Done => ("operation done", format!("{what}: done")),
        OperationState::Superseded => ("operation done", format!("{what}: replaced by a newer request")),
    };
    let running = !operation.state.is_final();
    let now = page.value.with_untracked(|page| page.now);
    view! {
        <div class=class>
            {running.then(|| view! { <progress aria-label="In progress"></progress> })}
            <span>{text}</span>
            <span class="muted">
                "asked for by "{operation.requested_by}", "<Ago at=operation.created_at now />
            </span>
        </div>
    }
}

/// An operation as people call it.
fn words(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Start => "Starting",
        OperationKind::Stop => "Stopping",
        OperationKind::Delete => "Deleting",
        OperationKind::Scale => "Scaling",
        OperationKind::Activate => "Activating the version",
        OperationKind::Configure => "Applying the settings",
        OperationKind::Restart => "Restarting",
    }
}
