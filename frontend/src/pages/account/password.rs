//! Changing the password.

use crate::{
    components::{Field, ProblemBox, error_of},
    server::ChangePassword,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The form: a plain one, so that no script keeps the passwords.
#[component]
pub fn PasswordForm(
    /// Whose password it is, for the browser's password store.
    user_name: String,
) -> impl IntoView {
    let error = error_of(ServerAction::<ChangePassword>::new());
    let changed = use_query_map().with_untracked(|query| query.get("password").is_some())
        && error.with_untracked(Option::is_none);
    view! {
        <section class="card" id="password">
            <h2>"Change password"</h2>
            <p class="muted">"You are signed out everywhere else. API tokens stay."</p>
            {changed.then(|| view! { <p class="notice" role="status">"Your password is changed."</p> })}
            <ProblemBox error fields=&["current_password", "password", "password_again"] />
            <form method="post" action="/fn/change_password">
                <input type="text" autocomplete="username" value=user_name hidden readonly />
                <Field
                    name="current_password"
                    label="Present password"
                    kind="password"
                    error
                    autocomplete="current-password"
                    required=true
                />
                <Field
                    name="password"
                    label="New password"
                    kind="password"
                    error
                    autocomplete="new-password"
                    required=true
                    hint="At least 10 characters."
                />
                <Field
                    name="password_again"
                    label="New password again"
                    kind="password"
                    error
                    autocomplete="new-password"
                    required=true
                />
                <button type="submit">"Change password"</button>
            </form>
        </section>
    }
}
