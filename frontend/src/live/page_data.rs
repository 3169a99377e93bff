//! A page's data: given by the server with the page, renewed in the browser without building the page anew, so that
//! what is being typed stays.

use crate::PageError;
use aerie_domain::ProblemCode;
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use std::{future::Future, time::Duration};

/// Events within this time cause one request. Larger: changes show later; smaller: more requests while a service
/// starts, when events come in bursts.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Data that is renewed.
pub struct PageData<T: Send + Sync + 'static> {
    /// What the page shows.
    pub value: RwSignal<T>,
    /// Why the last renewal failed, if it did.
    pub problem: RwSignal<Option<PageError>>,
    /// Renews the data soon.
    pub refresh: Callback<()>,
}

impl<T: Send + Sync + 'static> Clone for PageData<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for PageData<T> {}

impl<T: Send + Sync + 'static> PageData<T> {
    /// Begins with what came with the page; `load` brings it anew. Never two loads at once, and never none after the
    /// last wish.
    pub fn new<F, Fut>(first: T, load: F) -> Self
    where
        F: Fn() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, PageError>> + 'static,
    {
        let value = RwSignal::new(first);
        let problem = RwSignal::new(None);
        let busy = StoredValue::new(false);
        let again = StoredValue::new(false);
        let refresh = Callback::new(move |()| {
            if busy.try_get_value().unwrap_or(true) {
                _ = again.try_set_value(true);
                return;
            }
            busy.set_value(true);
            let load = load.clone();
            set_timeout(
                move || {
                    spawn_local(async move {
                        loop {
                            _ = again.try_set_value(false);
                            match load().await {
                                Ok(fresh) => {
                                    _ = value.try_set(fresh);
                                    _ = problem.try_set(None);
                                }
                                Err(error) => _ = problem.try_set(Some(error)),
                            }
                            // Disposed with its page: nobody waits any more.
                            if !again.try_get_value().unwrap_or(false) {
                                break;
                            }
                        }
                        _ = busy.try_set_value(false);
                    });
                },
                DEBOUNCE,
            );
        });
        Self { value, problem, refresh }
    }
}

/// Leaves a page whose thing is gone, or whose reader is no longer signed in: the server knows where to.
pub fn leave_when_refused<T: Send + Sync + 'static>(page: PageData<T>, gone: String) {
    let navigate = use_navigate();
    Effect::new(move |_| match page.problem.with(|problem| problem.as_ref().map(|error| error.problem.code)) {
        Some(ProblemCode::NotFound) => navigate(&gone, NavigateOptions::default()),
        Some(ProblemCode::NotSignedIn) => _ = location().reload(),
        _ => {}
    });
}

/// Renews after each run of an action.
pub fn refresh_after<S>(action: ServerAction<S>, refresh: Callback<()>)
where
    S: ServerFn + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
    S::Error: Send + Sync + 'static,
{
    Effect::new(move |before: Option<usize>| {
        let version = action.version().get();
        if before.is_some_and(|before| before != version) {
            refresh.run(());
        }
        version
    });
}

/// Renews at a steady pace while `wanted` and while the page can be seen.
pub fn refresh_every(pace: Duration, wanted: Signal<bool>, refresh: Callback<()>) {
    Effect::new(move |_| {
        if !wanted.get() {
            return;
        }
        let tick = move || {
            if !document().hidden() {
                refresh.run(());
            }
        };
        if let Ok(handle) = set_interval_with_handle(tick, pace) {
            on_cleanup(move || handle.clear());
        }
    });
}
