//! A name that can be changed in place.

use super::Field;
use crate::PageError;
use leptos::prelude::*;

/// The inside of a renaming form: opens on a click, and works without scripts.
#[component]
pub fn Rename(
    /// The present name.
    #[prop(into)]
    name: String,
    /// The form's error.
    error: Signal<Option<PageError>>,
    /// The form around the field and button.
    form: impl FnOnce(AnyView) -> AnyView + Send + 'static,
) -> impl IntoView {
    let open = error.with_untracked(Option::is_some);
    let inside = view! {
        <Field form="rename" name="name" label="New name" value=name error required=true max_length=32 />
        <button type="submit">"Rename"</button>
    }
    .into_any();
    view! {
        <details class="rename" open=open>
            <summary class="button quiet">"Rename"</summary>
            <div class="confirm-panel">{form(inside)}</div>
        </details>
    }
}
