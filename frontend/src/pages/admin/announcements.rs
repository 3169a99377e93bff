//! Banners: what is shown, what is to come, a form for more.

use super::AdminNav;
use crate::{
    app::SignedIn,
    components::{Field, Loading, ProblemBox, Refused, error_of},
    format,
    live::{PageData, refresh_after},
    server::{Announce, Dated, WithdrawAnnouncement, load_announcements},
};
use aerie_domain::views::AnnouncementView;
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The page.
#[component]
pub fn AdminAnnouncementsPage() -> impl IntoView {
    let first = Resource::new(|| (), |()| load_announcements());
    view! {
        <Title text="Announcements" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Announcements first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Announcements(first: Dated<Vec<AnnouncementView>>) -> impl IntoView {
    let announce = ServerAction::<Announce>::new();
    let withdraw = ServerAction::<WithdrawAnnouncement>::new();
    let page = PageData::new(first, load_announcements);
    let signed_in = expect_context::<SignedIn>();
    let changed = Callback::new(move |()| {
        page.refresh.run(());
        signed_in.changed();
    });
    refresh_after(announce, changed);
    refresh_after(withdraw, changed);
    let error = error_of(announce);
    let rows = move || {
        page.value.with(|page| {
            page.data
                .iter()
                .map(|announcement| view! { <Row announcement=announcement.clone() withdraw /> })
                .collect::<Vec<_>>()
        })
    };
    let none = move || page.value.with(|page| page.data.is_empty());
    view! {
        <h1>"Announcements"</h1>
        <AdminNav />
        <section class="card">
            <h2>"Now and to come"</h2>
            <ProblemBox error=error_of(withdraw) />
            {move || none().then(|| view! { <p class="empty">"Nothing is announced."</p> })}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"Text"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Until"</th>
                        <th scope="col">
                            <span class="hidden">"Withdraw"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
        <section class="card">
            <h2>"New announcement"</h2>
            <p class="muted">"Everybody sees it on every page, also who is not signed in. Times are UTC."</p>
            <ProblemBox error fields=&["text", "from_at", "until_at"] />
            <ActionForm action=announce attr:class="inline-form">
                <Field form="announce" name="text" label="Text" error required=true max_length=500 />
                <Field
                    form="announce"
                    name="from_at"
                    label="From (UTC)"
                    kind="datetime-local"
                    hint="Empty for now."
                    error
                />
                <Field
                    form="announce"
                    name="until_at"
                    label="Until (UTC)"
                    kind="datetime-local"
                    error
                    required=true
                />
                <button class="primary" type="submit">
                    "Announce"
                </button>
            </ActionForm>
        </section>
    }
}

#[component]
fn Row(announcement: AnnouncementView, withdraw: ServerAction<WithdrawAnnouncement>) -> impl IntoView {
    view! {
        <tr>
            <td data-label="Text" class="wrap">
                {announcement.text}
            </td>
            <td data-label="From">{format::full(announcement.from_at)}</td>
            <td data-label="Until">{format::full(announcement.until_at)}</td>
            <td>
                <ActionForm action=withdraw>
                    <input type="hidden" name="announcement" value=announcement.id.to_string() />
                    <button class="quiet" type="submit">
                        "Withdraw"
                    </button>
                </ActionForm>
            </td>
        </tr>
    }
}
