//! The picture of a kind.

use leptos::prelude::*;

/// SVG markup from the kind's template, which only the operator of the installation can write.
#[component]
pub fn KindIcon(
    /// The markup; empty shows a neutral shape.
    #[prop(into)]
    svg: String,
) -> impl IntoView {
    let svg = if svg.trim().is_empty() {
        r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5"><rect x="4" y="4" width="16" height="16" rx="4"/></svg>"#.to_owned()
    } else {
        svg
    };
    view! { <span class="kind-icon" aria-hidden="true" inner_html=svg></span> }
}
