//! What is above and below every page.

use super::{Banners, Logo};
use crate::{
    PageError,
    app::SignedIn,
    format,
    live::refresh_every,
    server::{Dated, FrameData, load_frame},
};
use aerie_domain::{CreditLevel, UserRole, views::Me};
use leptos::prelude::*;
use leptos_router::components::A;
use std::time::Duration;

/// How often credit and announcements are looked at again on a page where nothing happens. Shorter: more requests.
const PACE: Duration = Duration::from_secs(30);

/// Product name, navigation, credit, the user's menu, and below them what everybody shall read.
#[component]
pub fn Header() -> impl IntoView {
    let signed_in = expect_context::<SignedIn>();
    let frame = Resource::new(move || signed_in.version(), |_| load_frame());
    refresh_every(PACE, Signal::stored(true), Callback::new(move |()| signed_in.changed()));
    // One boundary: with two that wait for the same resource a page sometimes never ends (leptos issue 4851).
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let frame = frame.await;
                let banners = frame.as_ref().ok().cloned();
                view! {
                    <header class="top">
                        <a class="brand" href="/">
                            <Logo />
                            <span>"Aerie"</span>
                        </a>
                        <Person frame />
                    </header>
                    {banners.map(|frame| view! { <Banners frame=frame.data now=frame.now /> })}
                }
            })}
        </Transition>
    }
}

#[component]
fn Person(frame: Result<Dated<FrameData>, PageError>) -> impl IntoView {
    match frame.map(|frame| frame.data.me) {
        Ok(Some(me)) => view! { <UserBar me /> }.into_any(),
        Ok(None) => view! {
            <nav class="main-nav" aria-label="Account">
                <a href="/login">"Log in"</a>
                <a href="/register">"Register"</a>
            </nav>
        }
        .into_any(),
        Err(_) => view! { <span class="muted">"Account unknown: the server does not answer"</span> }.into_any(),
    }
}

#[component]
fn UserBar(me: Me) -> impl IntoView {
    let credit = me.credit;
    let low = credit.level != CreditLevel::Fine;
    let admin = me.user.role == UserRole::Admin;
    view! {
        <nav class="main-nav" aria-label="Main">
            <A href="/applications">"Applications"</A>
            <A href="/account/credits">"Credits"</A>
            {admin.then(|| view! { <A href="/admin">"Admin"</A> })}
            <a href="/api/docs" rel="external">"API"</a>
        </nav>
        <p class="credit" class:low=low title="1 credit is 1 instance of the smallest size for 1 hour">
            <strong>{format::credits(credit.balance)}</strong>
            <span class="muted">{format!("{}{} per hour", if credit.per_hour.millis > 0 { "−" } else { "" }, credit.per_hour)}</span>
        </p>
        <details class="user-menu">
            <summary>{me.user.name}</summary>
            <div class="menu">
                <a href="/account">"Account"</a>
                // A plain form: the page after it knows nothing of the person any more.
                <form method="post" action="/fn/log_out">
                    <button class="link" type="submit">"Log out"</button>
                </form>
            </div>
        </details>
    }
}

/// What is below every page.
#[component]
pub fn Footer() -> impl IntoView {
    view! {
        <footer class="bottom">
            <p>"Aerie, a classroom platform for applications made of services."</p>
            <p>
                <a href="/api/docs" rel="external">"REST API"</a>
            </p>
        </footer>
    }
}
