//! The form of one action: its fields, boxes for instances, and the button.

use super::ActionsData;
use crate::{
    PageError,
    components::{FieldMessage, ProblemBox, error_of},
    live::refresh_after,
    pages::service::settings::{SpecField, hint},
    server::RunAction,
};
use aerie_domain::{
    ServiceId, SettingSpec,
    views::{ActionInstanceView, ActionTarget, ActionView},
};
use leptos::{form::ActionForm, prelude::*};

/// The form.
#[component]
pub fn Form(action: ActionView, actions: ActionsData, id: ServiceId) -> impl IntoView {
    let run = ServerAction::<RunAction>::new();
    let error = error_of(run);
    refresh_after(run, actions.refresh);
    let ActionView { name, title, help, roles, on, fields, .. } = action;
    // Without scripts, the error of one form comes back to all of them; what is named after another one is not ours.
    let own = {
        let name = format!("{name}.");
        Signal::derive(move || {
            let other = |error: &PageError| {
                !error.typed.is_empty() && error.typed.keys().all(|field| !field.starts_with(&name))
            };
            error.get().filter(|error| !other(error))
        })
    };
    let obstacle = {
        let name = name.to_string();
        Memo::new(move |_| actions.value.with(|view| view.obstacles.get(&name).cloned()))
    };
    let inputs: Vec<_> =
        fields.into_iter().map(|spec| view! { <ActionField action=name.to_string() spec error=own /> }).collect();
    let boxes =
        (on == ActionTarget::Chosen).then(|| view! { <Boxes action=name.to_string() actions roles error=own /> });
    let (box_id, name) = (format!("action-{name}"), name.to_string());
    view! {
        <div class="action" id=box_id>
            <h3>{title.clone()}</h3>
            <p class="muted">{help}</p>
            <ProblemBox error=own />
            <ActionForm action=run>
                <input type="hidden" name="service" value=id.to_string() />
                <input type="hidden" name="action" value=name />
                {inputs}
                {boxes}
                <div class="form-foot">
                    <button type="submit" disabled=move || obstacle.with(Option::is_some)>
                        {title}
                    </button>
                    <span class="muted" role="status">
                        {move || obstacle.get()}
                    </span>
                </div>
            </ActionForm>
        </div>
    }
}

#[component]
fn ActionField(action: String, spec: SettingSpec, error: Signal<Option<PageError>>) -> impl IntoView {
    let SettingSpec { name, title, help, kind, default } = spec;
    let (id, field) = (format!("{action}-{name}"), format!("{action}.values.{name}"));
    let typed = error.with_untracked(|error| error.as_ref().and_then(|error| error.typed.get(&field).cloned()));
    let hint = hint(&kind, &help, &default);
    let shown = RwSignal::new(typed.unwrap_or(default));
    view! { <SpecField id name=format!("values[{name}]") field title hint kind shown error /> }
}

/// A box per instance that can run it, all ticked at first.
#[component]
fn Boxes(action: String, actions: ActionsData, roles: Vec<String>, error: Signal<Option<PageError>>) -> impl IntoView {
    // Without the lights, so that boxes stay as they were ticked while those change.
    let able = Memo::new(move |_| {
        let able = |instance: &&ActionInstanceView| instance.ready && instance.roles.iter().any(|r| roles.contains(r));
        actions.value.with(|view| {
            let able = view.instances.iter().filter(able);
            able.map(|instance| (instance.id, instance.short.clone(), instance.roles.join(" "))).collect::<Vec<_>>()
        })
    });
    let boxes = move || {
        able.get()
            .into_iter()
            .map(|(id, short, roles)| {
                view! {
                    <label class="choice-box">
                        <input type="checkbox" name=format!("instances[on-{id}]") value="on" checked=true />
                        {short}
                        " "
                        <span class="muted">{roles}</span>
                    </label>
                }
            })
            .collect::<Vec<_>>()
    };
    view! {
        <fieldset class="choice-boxes" class:hidden=move || able.with(Vec::is_empty)>
            <legend>"On"</legend>
            <input type="hidden" name="choose" value="on" />
            {boxes}
            <FieldMessage id=format!("{action}-instances") name=format!("{action}.instances") error />
        </fieldset>
    }
}
