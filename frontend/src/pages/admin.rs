//! What administrators see: health, people, applications, the audit log, announcements.

mod announcements;
mod applications;
mod audit;
mod health;
mod user;
mod users;

pub use announcements::AdminAnnouncementsPage;
pub use applications::AdminApplicationsPage;
pub use audit::AdminAuditPage;
pub use health::AdminHealthPage;
pub use user::AdminUserPage;
pub use users::AdminUsersPage;

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_query_map};

/// Links between the pages of administrators.
#[component]
fn AdminNav() -> impl IntoView {
    view! {
        <nav class="tabs" aria-label="Administration">
            <A href="/admin" exact=true>
                "Health"
            </A>
            <A href="/admin/users">"Users"</A>
            <A href="/admin/applications">"Applications"</A>
            <A href="/admin/audit">"Audit log"</A>
            <A href="/admin/announcements">"Announcements"</A>
        </nav>
    }
}

/// Reads parameters of the page's address; those that are not there are empty.
fn in_query<T>(read: impl Fn(&dyn Fn(&str) -> String) -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| read(&|name: &str| query.get(name).unwrap_or_default())))
}

/// Something, unless it is empty.
fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
