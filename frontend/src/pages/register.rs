//! Making an account.

use crate::{
    components::{Field, ProblemBox, error_of},
    server::Register,
};
use leptos::prelude::*;
use leptos_meta::Title;

/// The fields of the form, which show their errors themselves.
const FIELDS: &[&str] = &["user_name", "email", "password", "password_again", "first_name", "last_name", "affiliation"];

/// The registration form: a plain one, because it signs in as well.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let error = error_of(ServerAction::<Register>::new());
    view! {
        <Title text="Register" />
        <section class="narrow card">
            <h1>"Create an account"</h1>
            <ProblemBox error fields=FIELDS />
            <form method="post" action="/fn/register">
                <Field
                    name="user_name"
                    label="User name"
                    error
                    autocomplete="username"
                    required=true
                    max_length=32
                    hint="Part of your applications' addresses; it cannot be changed later. Small letters, digits and hyphens."
                />
                <Field name="email" label="E-mail" kind="email" error autocomplete="email" required=true max_length=200 />
                <Field
                    name="password"
                    label="Password"
                    kind="password"
                    error
                    autocomplete="new-password"
                    required=true
                    hint="At least 10 characters. A few words in a row are easy to remember."
                />
                <Field
                    name="password_again"
                    label="Password again"
                    kind="password"
                    error
                    autocomplete="new-password"
                    required=true
                />
                <fieldset>
                    <legend>"About you (optional)"</legend>
                    <Field name="first_name" label="First name" error autocomplete="given-name" max_length=100 />
                    <Field name="last_name" label="Last name" error autocomplete="family-name" max_length=100 />
                    <Field
                        name="affiliation"
                        label="School, university or company"
                        error
                        autocomplete="organization"
                        max_length=100
                    />
                </fieldset>
                <button class="primary" type="submit">
                    "Create account"
                </button>
            </form>
            <p class="muted">"Already have one? "<a href="/login">"Log in"</a></p>
        </section>
    }
}
