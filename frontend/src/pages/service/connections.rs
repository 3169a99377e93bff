//! Which services this one uses, which use it, and the way to its passwords.

use super::{ServicePageData, part};
use crate::{
    components::{Field, ProblemBox, StateBadge, error_of},
    live::refresh_after,
    server::{BindService, UnbindService},
};
use aerie_domain::{
    ServiceId,
    views::{BindingView, ServiceLink},
};
use leptos::{form::ActionForm, prelude::*};

/// The section; nothing for kinds that neither offer something nor hear of others.
#[component]
pub fn Connections(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let (offers, takes) = page.value.with_untracked(|page| {
        let connections = &page.data.service.connections;
        (connections.offers, connections.uses_others)
    });
    (offers || takes).then(|| {
        view! {
            <section class="card" id="connections">
                <h2>"Connections"</h2>
                {offers.then(|| view! { <Offers page id /> })}
                {takes.then(|| view! { <Uses page id /> })}
            </section>
        }
    })
}

#[component]
fn Offers(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let used_by = part(page, |service| service.connections.used_by.clone());
    view! {
        <p>
            <a class="button" href=format!("/services/{id}/access")>
                "Address and passwords"
            </a>
        </p>
        {move || {
            let users = used_by.get();
            if users.is_empty() {
                let text = "No service uses it yet. To let one use it, go to that service's page.";
                return view! { <p class="empty">{text}</p> }.into_any();
            }
            let links: Vec<_> = users.into_iter().map(|user| view! { <li><Link service=user /></li> }).collect();
            view! {
                <p>"Used by:"</p>
                <ul>{links}</ul>
            }
                .into_any()
        }}
    }
}

#[component]
fn Uses(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let unbind = ServerAction::<UnbindService>::new();
    refresh_after(unbind, page.refresh);
    let uses = part(page, |service| service.connections.uses.clone());
    let usable = part(page, |service| service.connections.usable.clone());
    let none = move || uses.with(Vec::is_empty);
    let rows = move || {
        let row = |binding| view! { <Row binding id unbind /> };
        uses.get().into_iter().map(row).collect::<Vec<_>>()
    };
    let explanation = move || {
        none().then(|| {
            let text = if usable.with(Vec::is_empty) {
                "It uses no other service. Add a database or a key-value store to this application to connect it."
            } else {
                "It uses no other service yet."
            };
            view! { <p class="empty">{text}</p> }
        })
    };
    view! {
        <ProblemBox error=error_of(unbind) />
        {explanation}
        <table class="stack" class:hidden=none>
            <thead>
                <tr>
                    <th scope="col">"Uses"</th>
                    <th scope="col">"Variables"</th>
                    <th scope="col">
                        <span class="hidden">"End"</span>
                    </th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <BindForm page id usable />
    }
}

#[component]
fn Row(binding: BindingView, id: ServiceId, unbind: ServerAction<UnbindService>) -> impl IntoView {
    let label = format!("End using {}", binding.service.name);
    let other = binding.service.id.to_string();
    view! {
        <tr>
            <td data-label="Uses">
                <Link service=binding.service />
            </td>
            <td data-label="Variables" class="wrap">
                <code>{binding.variables.join(" ")}</code>
            </td>
            <td>
                <ActionForm action=unbind>
                    <input type="hidden" name="service" value=id.to_string() />
                    <input type="hidden" name="other" value=other />
                    <button class="quiet" type="submit" aria-label=label>
                        "End"
                    </button>
                </ActionForm>
            </td>
        </tr>
    }
}

#[component]
fn Link(service: ServiceLink) -> impl IntoView {
    view! {
        <a href=format!("/services/{}", service.id)>{service.name}</a>
        " "
        <span class="muted">{service.kind_title}</span>
        " "
        <StateBadge state=service.state />
    }
}

#[component]
fn BindForm(page: ServicePageData, id: ServiceId, usable: Memo<Vec<ServiceLink>>) -> impl IntoView {
    let bind = ServerAction::<BindService>::new();
    let error = error_of(bind);
    refresh_after(bind, page.refresh);
    let options = move || {
        let option = |other: ServiceLink| view! { <option value=other.id.to_string()>{other.name}</option> };
        usable.get().into_iter().map(option).collect::<Vec<_>>()
    };
    view! {
        <ProblemBox error fields=&["prefix"] />
        <div class:hidden=move || usable.with(Vec::is_empty)>
            <ActionForm action=bind attr:class="inline-form">
                <input type="hidden" name="service" value=id.to_string() />
                <div class="field">
                    <label for="bind-other">"Use the service"</label>
                    <select id="bind-other" name="other">
                        {options}
                    </select>
                </div>
                <Field form="bind" name="prefix" label="Variables begin with (optional)" error max_length=32 />
                <button type="submit">"Use it"</button>
            </ActionForm>
        </div>
    }
}
