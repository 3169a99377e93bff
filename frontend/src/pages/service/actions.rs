//! Buttons that run scripts on instances, and what became of them.

mod form;
mod light;
mod runs;

use crate::{live::PageData, server::Dated};
use aerie_domain::{
    ActionName, ServiceId,
    views::{ActionInstanceView, ActionView, ActionsView},
};
use form::Form;
use leptos::prelude::*;
use light::Light;
use runs::Runs;

/// What the parts of this section share.
pub type ActionsData = PageData<ActionsView>;

/// The section; nothing for kinds without actions.
#[component]
pub fn Actions(actions: ActionsData, id: ServiceId, now: Dated<()>) -> impl IntoView {
    let all = actions.value.with_untracked(|view| view.actions.clone());
    let forms: Vec<_> = all.iter().map(|action| view! { <Form action=action.clone() actions id /> }).collect();
    (!all.is_empty()).then(|| {
        view! {
            <section class="card" id="actions" aria-labelledby="actions-title">
                <h2 id="actions-title">"Actions"</h2>
                <Lights actions all />
                {forms}
                <Runs actions id now=now.now />
            </section>
        }
    })
}

#[component]
fn Lights(actions: ActionsData, all: Vec<ActionView>) -> impl IntoView {
    let head: Vec<_> = all.iter().map(|action| view! { <th scope="col">{action.title.clone()}</th> }).collect();
    let instances = Memo::new(move |_| actions.value.with(|view| view.instances.clone()));
    let none = move || instances.with(Vec::is_empty);
    let names: Vec<(ActionName, String)> = all.into_iter().map(|action| (action.name, action.title)).collect();
    let rows = move || {
        let row = |instance| view! { <Row instance names=names.clone() /> };
        instances.get().into_iter().map(row).collect::<Vec<_>>()
    };
    view! {
        {move || none().then(|| view! { <p class="empty">"No instances run. Start the service to use these."</p> })}
        <table class="stack" class:hidden=none>
            <caption class="hidden">"What became of each action last, by instance"</caption>
            <thead>
                <tr>
                    <th scope="col">"Instance"</th>
                    {head}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[component]
fn Row(instance: ActionInstanceView, names: Vec<(ActionName, String)>) -> impl IntoView {
    let lights = instance.lights;
    let cells: Vec<_> = names
        .into_iter()
        .map(|(name, title)| {
            let light = lights.iter().find(|light| light.action == name.as_str()).cloned();
            view! { <td data-label=title><Light light /></td> }
        })
        .collect();
    view! {
        <tr>
            <th scope="row" data-label="Instance">
                {instance.short}
                " "
                <span class="muted">{instance.roles.join(" ")}</span>
            </th>
            {cells}
        </tr>
    }
}
