//! What a service does now, in a line.

use crate::chart::Unit;
use aerie_domain::views::FigureView;
use leptos::prelude::*;

/// The figures that its kind shows; nothing where nothing is told.
#[component]
pub fn Figures(
    /// The figures.
    figures: Vec<FigureView>,
) -> impl IntoView {
    let told: Vec<_> = figures.into_iter().filter_map(|figure| Some((in_words(&figure)?, figure.spec.title))).collect();
    (!told.is_empty()).then(|| {
        let one = |(value, title)| {
            view! {
                <div>
                    <dt>{title}</dt>
                    <dd>{value}</dd>
                </div>
            }
        };
        view! { <dl class="figures">{told.into_iter().map(one).collect::<Vec<_>>()}</dl> }
    })
}

/// The number with its unit.
pub fn in_words(figure: &FigureView) -> Option<String> {
    figure.value.map(|value| Unit::of(&figure.spec).show(value))
}
