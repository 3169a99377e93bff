//! `/api/v1/services/{id}/load/stream`: one more point every five seconds.

use super::{
    page_visible,
    source::{Source, SourceState},
};
use crate::format;
use aerie_domain::{ServiceId, views::LoadView};
use leptos::prelude::*;
use std::time::Duration;

/// Pause before a refused stream is opened again. Shorter: more requests while the director is away.
const REOPEN: Duration = Duration::from_secs(5);

/// Moves the window along while `wanted` and while the page can be seen. After a gap that the stream does not fill,
/// `anew` is called.
pub fn use_load_feed(service: ServiceId, window: RwSignal<LoadView>, wanted: Signal<bool>, anew: Callback<()>) {
    let attempt = RwSignal::new(0_u32);
    let visible = page_visible();
    Effect::new(move |_| {
        attempt.track();
        if !wanted.get() || !visible.get() {
            return;
        }
        let after = window.with_untracked(|window| format::query_value(&format::machine(window.to)));
        let Some(mut source) = Source::open(&format!("/api/v1/services/{service}/load/stream?after={after}")) else {
            return;
        };
        source.on("load", move |data| {
            let Ok(newer) = serde_json::from_str::<LoadView>(&data) else { return };
            // Points that are there already come again when the browser reconnects by itself.
            let known = window.try_with_untracked(|window| newer.to <= window.to).unwrap_or(true);
            if !known && window.try_update(|window| window.append(newer)) == Some(false) {
                anew.run(());
            }
        });
        source.on_state(move |state| {
            if state == SourceState::Closed {
                set_timeout(move || _ = attempt.try_update(|n| *n += 1), REOPEN);
            }
        });
        // Owned by this run of the effect: closed when it runs again or its component goes.
        StoredValue::new_local(source);
    });
}
