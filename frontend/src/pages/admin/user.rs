//! One person: credit, access, applications, bookings.

use super::{AdminNav, applications::ServicesTable, in_query, some};
use crate::{
    components::{Confirm, Field, LedgerTable, Loading, More, ProblemBox, Refused, error_of},
    format,
    live::{PageData, refresh_after},
    pages::id_in_path,
    server::{AdminUserData, Dated, DisableUser, EnableUser, GrantCredit, load_admin_user},
};
use aerie_domain::{UserId, views::AdminUserView};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The page.
#[component]
pub fn AdminUserPage() -> impl IntoView {
    let id = id_in_path::<UserId>("user");
    let after = in_query(|value| value("after"));
    let first =
        Resource::new(move || (id.get(), after.get()), async |(id, after)| load_admin_user(id?, some(after)).await);
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <User first after=some(after.get_untracked()) /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn User(first: Dated<AdminUserData>, after: Option<String>) -> impl IntoView {
    let id = first.data.person.user.id;
    let name = first.data.person.user.name.clone();
    let page = PageData::new(first, move || load_admin_user(id, after.clone()));
    let person = Memo::new(move |_| page.value.with(|page| page.data.person.clone()));
    view! {
        <Title text=name.clone() />
        <h1>{name.clone()}</h1>
        <AdminNav />
        {move || view! { <Profile person=person.get() /> }}
        <Grant page id />
        <section class="card">
            <h2>"Applications"</h2>
            {move || {
                let applications = page.value.with(|page| page.data.applications.clone());
                view! { <ServicesTable applications back=format!("/admin/users/{id}") refresh=page.refresh /> }
            }}
        </section>
        <Access page id name />
        <section class="card" id="bookings">
            <h2>"Bookings"</h2>
            {move || {
                let Dated { now, data, .. } = page.value.get();
                view! {
                    <LedgerTable entries=data.entries now />
                    <More next=data.next label="Older bookings" />
                }
            }}
        </section>
    }
}

#[component]
fn Profile(person: AdminUserView) -> impl IntoView {
    let AdminUserView { user, credit, .. } = person;
    let full_name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
    let rows = [
        ("Name", full_name),
        ("E-mail", user.email),
        ("Affiliation", user.affiliation),
        ("Role", user.role.to_string()),
        ("Registered", format::date(user.created_at)),
        ("Locked since", person.disabled_at.map(format::date).unwrap_or_default()),
        ("Credits left", format!("{} ({} % used)", credit.balance, credit.used_percent)),
        ("Costs per hour", format::credits(credit.per_hour)),
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

#[component]
fn Grant(page: PageData<Dated<AdminUserData>>, id: UserId) -> impl IntoView {
    let grant = ServerAction::<GrantCredit>::new();
    refresh_after(grant, page.refresh);
    let error = error_of(grant);
    view! {
        <section class="card" id="grant">
            <h2>"Grant credit"</h2>
            <ProblemBox error fields=&["amount", "reason"] />
            <ActionForm action=grant attr:class="inline-form">
                <input type="hidden" name="user" value=id.to_string() />
                <Field
                    form="grant"
                    name="amount"
                    label="Credits"
                    hint="Below zero to take back."
                    error
                    required=true
                    max_length=14
                />
                <Field form="grant" name="reason" label="Why, for both to read" error required=true max_length=200 />
                <button class="primary" type="submit">
                    "Grant"
                </button>
            </ActionForm>
        </section>
    }
}

#[component]
fn Access(page: PageData<Dated<AdminUserData>>, id: UserId, name: String) -> impl IntoView {
    let disable = ServerAction::<DisableUser>::new();
    let enable = ServerAction::<EnableUser>::new();
    refresh_after(disable, page.refresh);
    refresh_after(enable, page.refresh);
    let locked = Memo::new(move |_| page.value.with(|page| page.data.person.disabled_at.is_some()));
    let warning = format!(
        "All sessions and tokens of {name} end at once, and {name} cannot log in. Their services go on running until you stop \
         them."
    );
    view! {
        <section class="card quiet-card">
            <h2>"Access"</h2>
            <ProblemBox error=error_of(disable) />
            <ProblemBox error=error_of(enable) />
            {move || {
                if locked.get() {
                    view! {
                        <ActionForm action=enable>
                            <input type="hidden" name="user" value=id.to_string() />
                            <button type="submit">"Let in again"</button>
                        </ActionForm>
                    }
                        .into_any()
                } else {
                    view! {
                        <Confirm label="Lock out…" warning=warning.clone()>
                            <ActionForm action=disable>
                                <input type="hidden" name="user" value=id.to_string() />
                                <button class="danger" type="submit">
                                    "Lock out now"
                                </button>
                            </ActionForm>
                        </Confirm>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}
