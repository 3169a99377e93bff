//! Where the person is signed in.

use crate::{
    components::{Ago, ProblemBox, error_of},
    live::{PageData, refresh_after},
    server::{AccountData, Dated, RevokeOtherSessions, RevokeSession},
};
use aerie_domain::views::SessionView;
use leptos::{form::ActionForm, prelude::*};
use time::OffsetDateTime;

/// The list, each with a button that signs it out.
#[component]
pub fn Sessions(page: PageData<Dated<AccountData>>) -> impl IntoView {
    let revoke = ServerAction::<RevokeSession>::new();
    let others = ServerAction::<RevokeOtherSessions>::new();
    refresh_after(revoke, page.refresh);
    refresh_after(others, page.refresh);
    let rows = move || {
        page.value.with(|page| {
            let row = |session: &SessionView| view! { <Row session=session.clone() now=page.now revoke /> };
            page.data.sessions.iter().map(row).collect::<Vec<_>>()
        })
    };
    let several = move || page.value.with(|page| page.data.sessions.len() > 1);
    view! {
        <section class="card" id="sessions">
            <h2>"Signed in on"</h2>
            <ProblemBox error=error_of(revoke) />
            <ProblemBox error=error_of(others) />
            <table class="stack">
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Signed in"</th>
                        <th scope="col">"Last seen"</th>
                        <th scope="col">
                            <span class="hidden">"Sign out"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {move || {
                several()
                    .then(|| {
                        view! {
                            <ActionForm action=others>
                                <button type="submit">"Sign out everywhere else"</button>
                            </ActionForm>
                        }
                    })
            }}
        </section>
    }
}

#[component]
fn Row(session: SessionView, now: OffsetDateTime, revoke: ServerAction<RevokeSession>) -> impl IntoView {
    let last = if session.current {
        view! { <strong>"this one"</strong> }.into_any()
    } else {
        view! {
            <ActionForm action=revoke>
                <input type="hidden" name="session" value=session.id.to_string() />
                <button class="quiet" type="submit">
                    "Sign out"
                </button>
            </ActionForm>
        }
        .into_any()
    };
    view! {
        <tr>
            <td data-label="Browser" class="wrap">
                {session.user_agent}
            </td>
            <td data-label="From">{session.address}</td>
            <td data-label="Signed in">
                <Ago at=session.created_at now />
            </td>
            <td data-label="Last seen">
                <Ago at=session.last_seen_at now />
            </td>
            <td>{last}</td>
        </tr>
    }
}
