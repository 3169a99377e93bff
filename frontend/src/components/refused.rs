//! What is shown instead of a page: while it loads, and when the server refuses it, with the right status code.

use crate::PageError;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Redirect, hooks::use_location};

/// A page that is being loaded. With rendering on the server only seen while going from page to page.
#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <p class="loading" role="status">
            "Loading…"
        </p>
    }
}

/// The server refused to show the page: asks to log in, says that there is no such thing, or what went wrong.
#[component]
pub fn Refused(
    /// Why.
    error: PageError,
) -> impl IntoView {
    if error.is_not_signed_in() {
        let location = use_location();
        let here = location.pathname.get_untracked() + &location.search.with_untracked(|search| with_question(search));
        let path = format!("/login?next={}", crate::format::query_value(&here));
        return view! { <Redirect path /> }.into_any();
    }
    set_status(error.problem.status);
    let problem = error.problem;
    view! {
        <Title text=problem.title.clone() />
        <article class="message">
            <h1>{problem.title}</h1>
            <p>{problem.detail}</p>
            <p>
                <a class="button" href="/">
                    "Go to your applications"
                </a>
            </p>
        </article>
    }
    .into_any()
}

/// There is no such page.
#[component]
pub fn NotFound() -> impl IntoView {
    set_status(404);
    view! {
        <Title text="Not found" />
        <article class="message">
            <h1>"Not found"</h1>
            <p>"There is no page at this address."</p>
            <p>
                <a class="button" href="/">
                    "Go to the start page"
                </a>
            </p>
        </article>
    }
}

fn with_question(search: &str) -> String {
    if search.is_empty() { String::new() } else { format!("?{}", search.trim_start_matches('?')) }
}

#[cfg(feature = "ssr")]
fn set_status(status: u16) {
    crate::ssr::context::set_status(status);
}

#[cfg(not(feature = "ssr"))]
fn set_status(_status: u16) {}
