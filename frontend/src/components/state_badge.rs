//! A service's state.

use aerie_domain::ServiceState;
use leptos::prelude::*;

/// The state's word, with a colour and a shape of its own.
#[component]
pub fn StateBadge(
    /// The state.
    state: ServiceState,
) -> impl IntoView {
    let (class, means) = match state {
        ServiceState::Init => ("init", "created, never started"),
        ServiceState::Prologue => ("prologue", "starting"),
        ServiceState::Running => ("running", "everything is as it was asked for"),
        ServiceState::Adapting => ("adapting", "running while something changes"),
        ServiceState::Epilogue => ("epilogue", "stopping"),
        ServiceState::Stopped => ("stopped", "stopped; data, code and settings are kept"),
        ServiceState::Error => ("error", "cannot get where it should be; it retries by itself"),
    };
    view! {
        <span class=format!("state state-{class}") title=means>
            {state.as_str()}
        </span>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_word() {
        for state in ["INIT", "PROLOGUE", "RUNNING", "ADAPTING", "EPILOGUE", "STOPPED", "ERROR"] {
            let parsed: ServiceState = state.parse().unwrap();
            let html = Owner::new().with(|| view! { <StateBadge state=parsed /> }.to_html());
            assert!(html.contains(&format!(">{state}<")), "{html}");
            assert!(html.contains(&format!("state-{}", state.to_lowercase())), "{html}");
        }
    }
}
