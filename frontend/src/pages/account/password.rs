//! Changing the password.

use crate::{
    components::{Field, ProblemBox, error_of},
    server::ChangePassword,
};
use leptos::prelude::*;

/// The form: a plain one, because it begins a new session.
#[component]
pub fn PasswordForm() -> impl IntoView {
    let error = error_of(ServerAction::<ChangePassword>::new());
    view! {
        <section class="card" id="password">
            <h2>"Change password"</h2>
            <p class="muted">"You are signed out everywhere else. API tokens stay."</p>
            <ProblemBox error fields=&["current_password", "password", "password_again"] />
            <form method="post" action="/fn/change_password">
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
