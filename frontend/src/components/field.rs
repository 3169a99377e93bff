//! A labelled input with its hint and its error.

use crate::PageError;
use leptos::prelude::*;

/// A text-like input. After an error it shows again what was typed, unless it is a password.
#[component]
pub fn Field(
    /// Name in the form and in field errors.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// The form's error.
    error: Signal<Option<PageError>>,
    /// Tells apart fields of one name in several forms of a page.
    #[prop(default = "field")]
    form: &'static str,
    /// `type` of the input.
    #[prop(default = "text")]
    kind: &'static str,
    /// First value.
    #[prop(optional, into)]
    value: String,
    /// A sentence below.
    #[prop(optional, into)]
    hint: String,
    /// `autocomplete` of the input.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// It must not be empty.
    #[prop(optional)]
    required: bool,
    /// Text cannot be longer; 0 for no limit.
    #[prop(optional)]
    max_length: u32,
) -> impl IntoView {
    let typed = error.with_untracked(|error| error.as_ref().and_then(|error| error.typed.get(&name).cloned()));
    let value = if kind == "password" { None } else { Some(typed.unwrap_or(value)) };
    let id = format!("{form}-{}", name.replace(['.', '[', ']'], "-"));
    let hint_id = (!hint.is_empty()).then(|| format!("{id}-hint"));
    let (for_message, for_invalid) = (name.clone(), name.clone());
    let invalid = move || error.with(|error| message(error.as_ref(), &for_invalid).is_some());
    let described = {
        let (invalid, error_id, hint_id) = (invalid.clone(), format!("{id}-error"), hint_id.clone());
        move || {
            let ids: Vec<String> = hint_id.iter().cloned().chain(invalid().then(|| error_id.clone())).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id.clone()
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                required=required
                maxlength=(max_length > 0).then_some(max_length)
                aria-invalid=move || invalid().then_some("true")
                aria-describedby=described
            />
            {hint_id.map(|hint_id| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <FieldMessage id name=for_message error />
        </div>
    }
}

/// The error of one field.
#[component]
pub fn FieldMessage(
    /// Id of the field that it belongs to.
    #[prop(into)]
    id: String,
    /// Name in field errors.
    #[prop(into)]
    name: String,
    /// The form's error.
    error: Signal<Option<PageError>>,
) -> impl IntoView {
    let id = format!("{id}-error");
    move || {
        let text = error.with(|error| message(error.as_ref(), &name));
        text.map(|text| view! { <p class="field-error" id=id.clone()>{text}</p> })
    }
}

/// The error of a field as a sentence of its own: "Must not be empty."
fn message(error: Option<&PageError>, name: &str) -> Option<String> {
    let message = error?.problem.message_for(name)?;
    let mut chars = message.chars();
    let first = chars.next()?;
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    Some(format!("{}{}{end}", first.to_uppercase(), chars.as_str()))
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::Problem;

    fn html(error: Option<PageError>, kind: &'static str) -> String {
        Owner::new().with(|| view! { <Field name="name" label="Name" kind error=Signal::stored(error) /> }.to_html())
    }

    #[test]
    fn a_refused_field_says_why_and_keeps_what_was_typed() {
        let error = PageError::from(Problem::field("name", "must start with a letter")).keeping("name", "<b>\"1st");
        let html = html(Some(error), "text");
        assert!(html.contains("Must start with a letter."), "{html}");
        assert!(html.contains("aria-invalid=\"true\""), "{html}");
        assert!(!html.contains("<b>") && html.contains("&quot;1st"), "{html}");
    }

    #[test]
    fn passwords_are_never_shown_again() {
        let error = PageError::from(Problem::field("name", "is wrong")).keeping("name", "secret");
        assert!(!html(Some(error), "password").contains("secret"));
    }

    #[test]
    fn a_field_without_error_has_no_message() {
        let html = html(None, "text");
        assert!(!html.contains("field-error") && !html.contains("aria-invalid"), "{html}");
    }
}
