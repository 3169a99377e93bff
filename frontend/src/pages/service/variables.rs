//! Environment variables.

use super::{ServicePageData, part};
use crate::{
    components::{Field, ProblemBox, error_of},
    live::refresh_after,
    server::{RemoveVariable, SetVariable},
};
use aerie_domain::{ServiceId, views::VariableView};
use leptos::{form::ActionForm, prelude::*};

/// The list, and the form for one more.
#[component]
pub fn Variables(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let remove = ServerAction::<RemoveVariable>::new();
    refresh_after(remove, page.refresh);
    let variables = part(page, |service| service.variables.clone());
    let none = move || variables.with(Vec::is_empty);
    let rows = move || {
        let row = |variable| view! { <Row variable id remove /> };
        variables.get().into_iter().map(row).collect::<Vec<_>>()
    };
    view! {
        <section class="card" id="variables">
            <h2>"Environment variables"</h2>
            <ProblemBox error=error_of(remove) />
            {move || none().then(|| view! { <p class="empty">"None yet. Your code reads them from its environment."</p> })}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Value"</th>
                        <th scope="col">
                            <span class="hidden">"Remove"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <SetForm page id />
        </section>
    }
}

#[component]
fn Row(variable: VariableView, id: ServiceId, remove: ServerAction<RemoveVariable>) -> impl IntoView {
    let value = match variable.value {
        Some(value) if !variable.secret => view! { <code>{value}</code> }.into_any(),
        _ => view! { <span class="muted">"•••••• (secret)"</span> }.into_any(),
    };
    view! {
        <tr>
            <td data-label="Name">
                <code>{variable.name.clone()}</code>
            </td>
            <td data-label="Value" class="wrap">
                {value}
            </td>
            <td>
                <ActionForm action=remove>
                    <input type="hidden" name="service" value=id.to_string() />
                    <input type="hidden" name="name" value=variable.name.clone() />
                    <button class="quiet" type="submit" aria-label=format!("Remove {}", variable.name)>
                        "Remove"
                    </button>
                </ActionForm>
            </td>
        </tr>
    }
}

#[component]
fn SetForm(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let set = ServerAction::<SetVariable>::new();
    let error = error_of(set);
    refresh_after(set, page.refresh);
    let secret = error.with_untracked(|error| error.as_ref().is_some_and(|error| error.typed.contains_key("secret")));
    let form = NodeRef::<leptos::html::Form>::new();
    // What was accepted is in the list; the form is ready for the next one.
    Effect::new(move |_| {
        if set.value().with(|value| matches!(value, Some(Ok(()))))
            && let Some(form) = form.get_untracked()
        {
            form.reset();
        }
    });
    view! {
        <h3>"Set a variable"</h3>
        <ProblemBox error fields=&["name", "value"] />
        <ActionForm action=set node_ref=form attr:class="inline-form">
            <input type="hidden" name="service" value=id.to_string() />
            <Field form="variable" name="name" label="Name" error required=true max_length=64 />
            <Field form="variable" name="value" label="Value" error />
            <label class="check">
                <input type="checkbox" name="secret" value="on" checked=secret />
                "Secret: never show it again"
            </label>
            <button type="submit">"Set"</button>
        </ActionForm>
    }
}
