//! The start page: the dashboard, or what Aerie is.

use super::applications::Dashboard;
use crate::{
    components::{Loading, Logo, Refused},
    server::who_am_i,
};
use leptos::prelude::*;
use leptos_meta::Title;

/// The dashboard for who is signed in, a welcome for everybody else.
#[component]
pub fn HomePage() -> impl IntoView {
    let person = Resource::new(|| (), |()| who_am_i());
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match person.await {
                    Ok(Some(_)) => view! { <Dashboard /> }.into_any(),
                    Ok(None) => view! { <Welcome /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Welcome() -> impl IntoView {
    view! {
        <Title text="" />
        <section class="hero">
            <Logo />
            <h1>"Build applications out of services"</h1>
            <p class="lead">
                "Aerie runs your web pages, databases and computations. Pick services, upload your code, and scale each
                part of them by itself, while you watch what happens and what it costs."
            </p>
            <p class="actions">
                <a class="button primary" href="/register">
                    "Create an account"
                </a>
                <a class="button" href="/login">
                    "Log in"
                </a>
            </p>
        </section>
        <section class="points" aria-label="What you can do">
            <div>
                <h2>"Compose"</h2>
                <p>
                    "An application is a set of services on a private network of its own: web hosting, databases, job
                    runners. They find each other by name."
                </p>
            </div>
            <div>
                <h2>"Scale"</h2>
                <p>
                    "Every service is made of roles. Give a role more instances, or fewer, while visitors go on using
                    it: no request is lost."
                </p>
            </div>
            <div>
                <h2>"Understand"</h2>
                <p>
                    "See each instance, its load and its price, and read every step of the manager in plain words.
                    Whatever a page can do, the REST API can do as well."
                </p>
            </div>
        </section>
    }
}
