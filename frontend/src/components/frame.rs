//! What is above and below every page.

use super::Logo;
use crate::{PageError, app::SignedIn, format, server::who_am_i};
use aerie_domain::views::Me;
use leptos::prelude::*;
use leptos_router::components::A;

/// Product name, navigation, credit and the user's menu.
#[component]
pub fn Header() -> impl IntoView {
    let signed_in = expect_context::<SignedIn>();
    let person = Resource::new(move || signed_in.version(), |_| who_am_i());
    view! {
        <header class="top">
            <a class="brand" href="/">
                <Logo />
                <span>"Aerie"</span>
            </a>
            <Transition>
                {move || Suspend::new(async move { view! { <Person person=person.await /> } })}
            </Transition>
        </header>
    }
}

#[component]
fn Person(person: Result<Option<Me>, PageError>) -> impl IntoView {
    match person {
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
    let low = credit.balance.millis <= credit.per_hour.millis.max(0);
    view! {
        <nav class="main-nav" aria-label="Main">
            <A href="/applications">"Applications"</A>
            <a href="/api/docs" rel="external">"API"</a>
        </nav>
        <p class="credit" class:low=low title="1 credit is 1 instance of the smallest size for 1 hour">
            <strong>{format::credits(credit.balance)}</strong>
            <span class="muted">{format!("−{} per hour", credit.per_hour)}</span>
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
