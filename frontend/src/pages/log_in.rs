//! Logging in.

use crate::{
    components::{Field, ProblemBox, error_of},
    server::LogIn,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The login form: a plain one, because the whole page changes with who is signed in.
#[component]
pub fn LogInPage() -> impl IntoView {
    let error = error_of(ServerAction::<LogIn>::new());
    let next = use_query_map().with_untracked(|query| query.get("next").unwrap_or_default());
    let asked = (!next.is_empty() && error.with_untracked(Option::is_none))
        .then(|| view! { <p class="notice">"Please log in to see that page."</p> });
    view! {
        <Title text="Log in" />
        <section class="narrow card">
            <h1>"Log in"</h1>
            {asked}
            <ProblemBox error fields=&["user_name", "password"] />
            <form method="post" action="/fn/log_in">
                <input type="hidden" name="next" value=next />
                <Field name="user_name" label="User name or e-mail" error autocomplete="username" required=true />
                <Field
                    name="password"
                    label="Password"
                    kind="password"
                    error
                    autocomplete="current-password"
                    required=true
                />
                <button class="primary" type="submit">
                    "Log in"
                </button>
            </form>
            <p class="muted">"New here? "<a href="/register">"Create an account"</a></p>
        </section>
    }
}
