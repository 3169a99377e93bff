//! A form's error as a whole.

use crate::PageError;
use leptos::{prelude::*, server_fn::ServerFn};

/// The error of an action's last run; without scripts, the one that came back in the page's address.
pub fn error_of<S>(action: ServerAction<S>) -> Signal<Option<PageError>>
where
    S: ServerFn<Error = PageError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    Signal::derive(move || action.value().with(|value| value.as_ref()?.as_ref().err().cloned()))
}

/// Says what went wrong: title, sentence, and the errors of fields that do not show them themselves.
#[component]
pub fn ProblemBox(
    /// The form's error.
    error: Signal<Option<PageError>>,
    /// Names of the fields that show their errors themselves.
    #[prop(optional)]
    fields: &'static [&'static str],
) -> impl IntoView {
    let content = move || {
        let error = error.get()?;
        let rest = error.errors_outside(fields);
        let detail = error.problem.errors.is_empty().then(|| error.problem.detail.clone());
        Some(view! {
            <div class="problem">
                <strong>{error.problem.title.clone()}</strong>
                {detail.map(|detail| view! { <p>{detail}</p> })}
                {(!rest.is_empty())
                    .then(|| {
                        let items: Vec<_> = rest
                            .into_iter()
                            .map(|error| view! { <li><b>{error.field}</b>" "{error.message}</li> })
                            .collect();
                        view! { <ul>{items}</ul> }
                    })}
            </div>
        })
    };
    view! { <div role="alert">{content}</div> }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::{Problem, ProblemCode};

    #[test]
    fn words_from_elsewhere_are_text_not_markup() {
        let error = PageError::new(ProblemCode::Conflict, "<script>alert(1)</script>");
        let html = Owner::new().with(|| view! { <ProblemBox error=Signal::stored(Some(error)) /> }.to_html());
        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(html.contains("Not possible right now"), "{html}");
    }

    #[test]
    fn fields_that_show_their_error_are_left_out() {
        let error = PageError::from(Problem::field("name", "is taken"));
        let html =
            Owner::new().with(|| view! { <ProblemBox error=Signal::stored(Some(error)) fields=&["name"] /> }.to_html());
        assert!(!html.contains("is taken") && html.contains("Please check"), "{html}");
    }
}
