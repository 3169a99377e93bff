//! How a role's process ended by itself, with the last lines that it wrote.

use crate::format;
use aerie_domain::views::{InstanceRoleView, ProcessEndView};
use leptos::prelude::*;

/// A line that opens to the lines; nothing for a process that is well.
#[component]
pub fn ProcessEnd(
    /// The role.
    role: InstanceRoleView,
) -> impl IntoView {
    let InstanceRoleView { role, restarts, last_end, .. } = role;
    last_end.map(|end| {
        let how = how(&end);
        let lines = if end.lines.is_empty() { "It wrote nothing.".to_owned() } else { end.lines.join("\n") };
        view! {
            <details class="process-end">
                <summary>
                    {role.to_uppercase()} " " {how} ", started again " {format::count(u64::from(restarts), "time")}
                </summary>
                <pre tabindex="0">{lines}</pre>
            </details>
        }
    })
}

fn how(end: &ProcessEndView) -> String {
    match (end.out_of_memory, end.code, &end.signal) {
        (true, ..) => "ran out of memory".to_owned(),
        (_, Some(code), _) => format!("ended by itself with exit code {code}"),
        (_, None, Some(signal)) => format!("was ended by {signal}"),
        (_, None, None) => "ended by itself".to_owned(),
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::RolePhase;

    fn role(last_end: Option<ProcessEndView>) -> InstanceRoleView {
        InstanceRoleView {
            role: "php".into(),
            phase: RolePhase::Serving,
            healthy: false,
            message: String::new(),
            restarts: 3,
            last_end,
        }
    }

    #[test]
    fn a_crash_is_shown_with_its_lines_and_none_of_them_is_markup() {
        let end = ProcessEndView {
            code: Some(255),
            signal: None,
            out_of_memory: false,
            lines: vec!["one".into(), "<script>two".into()],
        };
        let html = view! { <ProcessEnd role=role(Some(end)) /> }.to_html();
        for text in ["PHP", "exit code 255", "3 times", "one\n&lt;script&gt;two"] {
            assert!(html.contains(text), "{text} in {html}");
        }
        assert!(!html.contains("<script>"), "{html}");
        assert!(!view! { <ProcessEnd role=role(None) /> }.to_html().contains("details"));
    }

    #[test]
    fn the_cause_comes_first() {
        let end = |out_of_memory, code, signal: Option<&str>| ProcessEndView {
            code,
            signal: signal.map(str::to_owned),
            out_of_memory,
            lines: vec![],
        };
        assert_eq!(how(&end(true, None, Some("signal 9 (KILL)"))), "ran out of memory");
        assert_eq!(how(&end(false, None, Some("signal 9 (KILL)"))), "was ended by signal 9 (KILL)");
    }
}
