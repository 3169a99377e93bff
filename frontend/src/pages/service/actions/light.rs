//! What became of an action on an instance: a word with a colour and a shape, never a colour alone.

use aerie_domain::views::{ActionState, LightView};
use leptos::prelude::*;

/// The light; none: never started.
#[component]
pub fn Light(light: Option<LightView>) -> impl IntoView {
    let Some(light) = light else {
        return view! { <span class="state state-init">"never started"</span> }.into_any();
    };
    let (class, word) = word(light.state, light.code);
    view! {
        <span class=format!("state state-{class}") title=light.message>
            {word}
        </span>
    }
    .into_any()
}

/// Class and word of a result.
pub fn word(state: ActionState, code: Option<i32>) -> (&'static str, String) {
    match (state, code) {
        (ActionState::Asked, _) => ("prologue", "asked".to_owned()),
        (ActionState::Running, _) => ("adapting", "running".to_owned()),
        (ActionState::Ended, Some(0)) => ("running", "stopped with code 0".to_owned()),
        (ActionState::Ended, Some(code)) => ("error", format!("stopped with code {code}")),
        (ActionState::Ended, None) => ("error", "ended by force".to_owned()),
        (ActionState::Lost, _) => ("error", "lost".to_owned()),
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::ActionRunId;

    #[test]
    fn every_light_is_a_word() {
        let html = |light| Owner::new().with(|| view! { <Light light /> }.to_html());
        assert!(html(None).contains("never started"));
        let light = |state, code| LightView {
            action: "run".to_owned(),
            run: ActionRunId::generate(),
            state,
            code,
            message: "ended with <3>".to_owned(),
        };
        let ended = html(Some(light(ActionState::Ended, Some(3))));
        assert!(ended.contains(">stopped with code 3<") && ended.contains("state-error"), "{ended}");
        assert!(!ended.contains("<3>"), "{ended}");
        assert!(html(Some(light(ActionState::Running, None))).contains(">running<"));
    }
}
