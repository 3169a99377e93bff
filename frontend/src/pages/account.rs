//! The person's own page: profile, password, sessions, tokens.

mod password;
mod sessions;
mod tokens;

use crate::{
    components::{Loading, Refused},
    format,
    server::{AccountData, Dated, load_account},
};
use aerie_domain::views::UserView;
use leptos::prelude::*;
use leptos_meta::Title;
use password::PasswordForm;
use sessions::Sessions;
use tokens::Tokens;

/// The page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let first = Resource::new(|| (), |()| load_account());
    view! {
        <Title text="Account" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Account first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Account(first: Dated<AccountData>) -> impl IntoView {
    let user = first.data.user.clone();
    let user_name = user.name.clone();
    let page = crate::live::PageData::new(first, load_account);
    view! {
        <h1>"Account"</h1>
        <Profile user />
        <PasswordForm user_name />
        <Sessions page />
        <Tokens page />
    }
}

#[component]
fn Profile(user: UserView) -> impl IntoView {
    let full_name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
    let rows = [
        ("User name", user.name),
        ("Name", full_name),
        ("E-mail", user.email),
        ("Affiliation", user.affiliation),
        ("Role", user.role.to_string()),
        ("Registered", format::date(user.created_at)),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| view! { <div><dt>{label}</dt><dd>{value}</dd></div> })
        .collect();
    view! {
        <section class="card">
            <h2>"Profile"</h2>
            <dl class="facts">{rows}</dl>
        </section>
    }
}
