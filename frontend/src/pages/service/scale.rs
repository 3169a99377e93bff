//! How many of each role.

use super::{ServicePageData, part};
use crate::{
    PageError,
    components::{FieldMessage, ProblemBox, error_of, role_class},
    estimate, format,
    live::refresh_after,
    scale_input::wanted_count,
    server::ScaleService,
};
use aerie_domain::{ServiceId, views::RoleView};
use leptos::{form::ActionForm, prelude::*};

/// A stepper per role, and what the typed counts would cost.
#[component]
pub fn ScaleForm(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let action = ServerAction::<ScaleService>::new();
    let error = error_of(action);
    refresh_after(action, page.refresh);
    let roles: Memo<Vec<RoleView>> =
        part(page, |service| service.roles.iter().filter(|role| !role.auxiliary).cloned().collect());
    let names = roles.with_untracked(|roles| roles.iter().map(|role| role.name.clone()).collect::<Vec<_>>());
    let typed: Vec<RwSignal<String>> = names
        .iter()
        .enumerate()
        .map(|(position, name)| {
            let field = format!("roles.{name}");
            let kept = error.with_untracked(|error| error.as_ref().and_then(|error| error.typed.get(&field).cloned()));
            RwSignal::new(kept.unwrap_or_else(|| count_of(roles, position).to_string()))
        })
        .collect();
    follow_counts(roles, typed.clone());
    let steppers: Vec<_> = typed
        .iter()
        .enumerate()
        .map(|(position, typed)| view! { <Stepper roles position typed=*typed error /> })
        .collect();
    view! {
        <section class="card" id="scale">
            <h2>"Scale"</h2>
            <ProblemBox error />
            <ActionForm action>
                <input type="hidden" name="service" value=id.to_string() />
                <div class="steppers">{steppers}</div>
                <div class="scale-foot">
                    <button class="primary" type="submit">
                        "Apply"
                    </button>
                    <Estimate page roles typed />
                </div>
            </ActionForm>
        </section>
    }
}

/// Fields that nobody is changing follow the service's counts, whoever changes those.
fn follow_counts(roles: Memo<Vec<RoleView>>, typed: Vec<RwSignal<String>>) {
    Effect::new(move |before: Option<Vec<u32>>| {
        let counts: Vec<u32> = roles.with(|roles| roles.iter().map(|role| role.count).collect());
        for (position, (field, count)) in typed.iter().zip(&counts).enumerate() {
            let untouched = before
                .as_ref()
                .is_some_and(|before| field.with_untracked(|text| *text == before[position].to_string()));
            let reached = before.as_ref().is_some_and(|before| before[position] != *count)
                && field.with_untracked(|text| text.starts_with(['+', '-', '−']));
            if untouched || reached {
                field.set(count.to_string());
            }
        }
        counts
    });
}

fn count_of(roles: Memo<Vec<RoleView>>, position: usize) -> u32 {
    roles.with_untracked(|roles| roles.get(position).map_or(0, |role| role.count))
}

#[component]
fn Stepper(
    roles: Memo<Vec<RoleView>>,
    position: usize,
    typed: RwSignal<String>,
    error: Signal<Option<PageError>>,
) -> impl IntoView {
    let Some(role) = roles.with_untracked(|roles| roles.get(position).cloned()) else { return ().into_any() };
    let colour = roles.with_untracked(|roles| role_class(roles, &role.name));
    let (id, field) = (format!("scale-{}", role.name), format!("roles.{}", role.name));
    let (min, max) = (role.min, role.max);
    let step = move |change: i64| {
        let present = count_of(roles, position);
        let now = typed.with_untracked(|text| wanted_count(text, present, min, max)).unwrap_or(present);
        let next = (i64::from(now) + change).clamp(i64::from(min), i64::from(max));
        typed.set(next.to_string());
    };
    let serving = move || roles.with(|roles| roles.get(position).map(|role| format!("{} serving", role.serving)));
    view! {
        <div class="stepper">
            <label for=id.clone()>
                <span class=format!("chip serving {colour}")>{role.name.to_uppercase()}</span>
            </label>
            <div class="stepper-row">
                <button
                    type="button"
                    class="step"
                    aria-label=format!("One {} less", role.title)
                    on:click=move |_| step(-1)
                >
                    "−"
                </button>
                <input
                    id=id.clone()
                    name=format!("roles[{}]", role.name)
                    type="text"
                    inputmode="text"
                    autocomplete="off"
                    value=typed.get_untracked()
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                    aria-describedby=format!("{id}-hint")
                />
                <button
                    type="button"
                    class="step"
                    aria-label=format!("One {} more", role.title)
                    on:click=move |_| step(1)
                >
                    "+"
                </button>
            </div>
            <p class="hint" id=format!("{id}-hint")>
                {serving}", "{bounds(min, max)}
            </p>
            <FieldMessage id name=field error />
            <p class="hint">{role.summary}</p>
        </div>
    }
    .into_any()
}

fn bounds(min: u32, max: u32) -> String {
    if min == max { format!("always {min}") } else { format!("{min} to {max}, or a change such as +2") }
}

#[component]
fn Estimate(page: ServicePageData, roles: Memo<Vec<RoleView>>, typed: Vec<RwSignal<String>>) -> impl IntoView {
    let facts = part(page, |service| (service.instance_price, service.summary.instances));
    let sentence = Memo::new(move |_| {
        let typed: Vec<String> = typed.iter().map(RwSignal::get).collect();
        let (price, now) = facts.get();
        roles.with(|roles| estimate::sentence(roles, &typed, price, now))
    });
    view! {
        <output class="estimate" class:invalid=move || sentence.with(Result::is_err)>
            {move || sentence.get().unwrap_or_else(|why| why)}
        </output>
        <p class="hint">{move || facts.with(|(price, _)| format!("One instance costs {} per hour.", format::credits(*price)))}</p>
    }
}
