//! People: search.

use super::{AdminNav, in_query, some};
use crate::{
    components::{Loading, More, Refused},
    format,
    server::load_admin_users,
};
use aerie_domain::views::{AdminUserView, Page, SearchQuery};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Form;

/// The page.
#[component]
pub fn AdminUsersPage() -> impl IntoView {
    let wanted = in_query(|value| (value("text"), value("after")));
    let found = Resource::new(
        move || wanted.get(),
        |(text, after)| load_admin_users(SearchQuery { text, after: some(after), limit: None }),
    );
    view! {
        <Title text="Users" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(found) => view! { <Users found=found.data text=wanted.get_untracked().0 /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Users(found: Page<AdminUserView>, text: String) -> impl IntoView {
    let none = found.items.is_empty();
    let query = vec![("text", text.clone())];
    let rows: Vec<_> = found.items.into_iter().map(|person| view! { <Row person /> }).collect();
    view! {
        <h1>"Users"</h1>
        <AdminNav />
        <section class="card">
            <Form method="GET" action="" attr:class="inline-form" attr:role="search">
                <div class="field">
                    <label for="search-text">"Name, e-mail or affiliation"</label>
                    <input id="search-text" type="search" name="text" value=text />
                </div>
                <button type="submit">"Search"</button>
            </Form>
            {none.then(|| view! { <p class="empty">"Nobody found."</p> })}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"User"</th>
                        <th scope="col">"E-mail"</th>
                        <th scope="col">"Affiliation"</th>
                        <th scope="col">"Credits left"</th>
                        <th scope="col">"Per hour"</th>
                        <th scope="col">"Services running"</th>
                        <th scope="col">"Account"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <More next=found.next query label="More users" />
        </section>
    }
}

#[component]
fn Row(person: AdminUserView) -> impl IntoView {
    let user = person.user;
    let full_name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
    let account = match (person.disabled_at, user.role) {
        (Some(since), _) => format!("locked since {}", format::date(since)),
        (None, role) => role.to_string(),
    };
    view! {
        <tr>
            <td data-label="User">
                <a href=format!("/admin/users/{}", user.id)>{user.name}</a>
                " "
                <span class="muted">{full_name}</span>
            </td>
            <td data-label="E-mail" class="wrap">
                {user.email}
            </td>
            <td data-label="Affiliation" class="wrap">
                {user.affiliation}
            </td>
            <td data-label="Credits left" class="amount">
                {person.credit.balance.to_string()}
            </td>
            <td data-label="Per hour" class="amount">
                {person.credit.per_hour.to_string()}
            </td>
            <td data-label="Services running" class="amount">
                {person.running}
            </td>
            <td data-label="Account">{account}</td>
        </tr>
    }
}
