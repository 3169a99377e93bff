//! Settings, as the kind's template declares them.

use super::{ServicePageData, part};
use crate::{
    PageError,
    components::{FieldMessage, ProblemBox, error_of},
    live::refresh_after,
    server::ConfigureSettings,
};
use aerie_domain::{ServiceId, SettingKind, SettingSpec, views::SettingView};
use leptos::{form::ActionForm, prelude::*};

/// A form with one field per setting.
#[component]
pub fn Settings(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let action = ServerAction::<ConfigureSettings>::new();
    let error = error_of(action);
    refresh_after(action, page.refresh);
    let settings = part(page, |service| service.settings.clone());
    let fields: Vec<_> = settings
        .get_untracked()
        .into_iter()
        .enumerate()
        .map(|(position, setting)| {
            let value = Memo::new(move |_| {
                settings
                    .with(|settings| settings.get(position).map(|setting| setting.value.clone()).unwrap_or_default())
            });
            view! { <SettingField setting value error /> }
        })
        .collect();
    let saved = move || {
        let done = !action.pending().get() && action.value().with(|value| matches!(value, Some(Ok(()))));
        done.then_some("Accepted. The service adapts.")
    };
    view! {
        <section class="card" id="settings">
            <h2>"Settings"</h2>
            <ProblemBox error />
            <ActionForm action>
                <input type="hidden" name="service" value=id.to_string() />
                <div class="settings-grid">{fields}</div>
                <div class="form-foot">
                    <button type="submit">"Save settings"</button>
                    <span class="muted" role="status">
                        {saved}
                    </span>
                </div>
            </ActionForm>
        </section>
    }
}

#[component]
fn SettingField(setting: SettingView, value: Memo<String>, error: Signal<Option<PageError>>) -> impl IntoView {
    let SettingSpec { name, title, help, kind, default } = setting.spec;
    let (id, field) = (format!("setting-{name}"), format!("settings.{name}"));
    let typed = error.with_untracked(|error| error.as_ref().and_then(|error| error.typed.get(&field).cloned()));
    let shown = RwSignal::new(typed.unwrap_or_else(|| value.get_untracked()));
    // When somebody else changes it, the field follows, unless something else is typed into it.
    Effect::new(move |before: Option<String>| {
        let now = value.get();
        if before.is_some_and(|before| before != now && shown.with_untracked(|shown| *shown == before)) {
            shown.set(now.clone());
        }
        now
    });
    let hint = hint(&kind, &help, &default);
    view! { <SpecField id name=format!("settings[{name}]") field title hint kind shown error /> }
}

/// The input of a setting or of a field of an action, with its label, its hint and what is wrong with it.
#[component]
pub fn SpecField(
    /// Of the input.
    id: String,
    /// In the form.
    name: String,
    /// In errors.
    field: String,
    title: String,
    hint: String,
    kind: SettingKind,
    shown: RwSignal<String>,
    error: Signal<Option<PageError>>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id.clone()>{title}</label>
            <Input id=id.clone() name kind shown />
            <p class="hint" id=format!("{id}-hint")>
                {hint}
            </p>
            <FieldMessage id name=field error />
        </div>
    }
}

#[component]
fn Input(id: String, name: String, kind: SettingKind, shown: RwSignal<String>) -> impl IntoView {
    let options = match &kind {
        SettingKind::Switch => Some(vec!["on".to_owned(), "off".to_owned()]),
        SettingKind::Choice { options } => Some(options.clone()),
        _ => None,
    };
    let hint_id = format!("{id}-hint");
    if let Some(options) = options {
        let first = shown.get_untracked();
        let options: Vec<_> = options
            .into_iter()
            .map(|option| {
                let chosen = option == first;
                view! { <option value=option.clone() selected=chosen>{option.clone()}</option> }
            })
            .collect();
        view! {
            <select
                id=id
                name=name
                aria-describedby=hint_id
                prop:value=move || shown.get()
                on:change=move |event| shown.set(event_target_value(&event))
            >
                {options}
            </select>
        }
        .into_any()
    } else {
        let number = matches!(kind, SettingKind::Integer { .. } | SettingKind::Port { .. });
        let mode = if number { "numeric" } else { "text" };
        view! {
            <input
                id=id
                name=name
                type="text"
                inputmode=mode
                autocomplete="off"
                spellcheck="false"
                aria-describedby=hint_id
                value=shown.get_untracked()
                prop:value=move || shown.get()
                on:input=move |event| shown.set(event_target_value(&event))
            />
        }
        .into_any()
    }
}

/// The help of a setting, its bounds and its default, as one sentence after the other.
pub fn hint(kind: &SettingKind, help: &str, default: &str) -> String {
    let bounds = match kind {
        SettingKind::Integer { min, max, unit } => format!("{min} to {max} {unit}").trim_end().to_owned(),
        SettingKind::Port { taken } => SettingKind::ports(taken),
        SettingKind::Megabytes { min, max } => format!("{min}M to {max}M"),
        SettingKind::Text { max_length } => format!("At most {max_length} characters"),
        SettingKind::Switch | SettingKind::Choice { .. } | SettingKind::Folder => String::new(),
    };
    let default = if default.is_empty() { String::new() } else { format!("Unless changed: {default}") };
    [help.trim_end_matches('.').to_owned(), bounds, default]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| format!("{part}."))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_read_as_sentences() {
        let kind = SettingKind::Integer { min: 1, max: 300, unit: "seconds".to_owned() };
        assert_eq!(hint(&kind, "Longest run.", "30"), "Longest run. 1 to 300 seconds. Unless changed: 30.");
        assert_eq!(hint(&SettingKind::Switch, "", "off"), "Unless changed: off.");
    }
}
