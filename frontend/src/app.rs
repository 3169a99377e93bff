//! The app: frame, routes, and who is signed in.

use crate::{
    components::{Footer, Header, NotFound},
    pages::{
        AccessPage, AccountPage, AdminAnnouncementsPage, AdminApplicationsPage, AdminAuditPage, AdminHealthPage,
        AdminUserPage, AdminUsersPage, ApplicationPage, ApplicationsPage, CreditsPage, HomePage, LogInPage, LogsPage,
        NewServicePage, RegisterPage, ServicePage, TrashPage, VolumeFilesPage, VolumePage,
    },
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};
use std::time::Duration;

/// Makes the header look again at who is signed in and what they have left.
#[derive(Clone, Copy)]
pub struct SignedIn {
    version: RwSignal<u32>,
    waiting: StoredValue<bool>,
}

/// Changes within this time cause one look. Larger: the credit shown lags; smaller: more requests, for events come in
/// bursts while a service starts.
const SOON: Duration = Duration::from_millis(500);

impl SignedIn {
    /// Grows whenever something about the person may have changed.
    pub fn version(self) -> u32 {
        self.version.get()
    }

    /// Something about the person may have changed.
    pub fn changed(self) {
        if self.waiting.try_get_value() == Some(false) {
            self.waiting.set_value(true);
            let look = move || {
                _ = self.waiting.try_set_value(false);
                _ = self.version.try_update(|version| *version += 1);
            };
            set_timeout(look, SOON);
        }
    }
}

/// Every page. Rendered as a whole before it is sent, so that status codes, redirects and pages without scripts are right.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(SignedIn { version: RwSignal::new(0), waiting: StoredValue::new(false) });
    #[cfg(feature = "ssr")]
    crate::ssr::drop_foreign_errors();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Aerie".to_owned() } else { format!("{title} · Aerie") } />
        <Router>
            <a class="skip" href="#main">
                "Skip to content"
            </a>
            <Header />
            <main id="main" tabindex="-1">
                <Routes fallback=|| view! { <NotFound /> }>
                    <Route path=path!("/") view=HomePage ssr=SsrMode::Async />
                    <Route path=path!("/login") view=LogInPage ssr=SsrMode::Async />
                    <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                    <Route path=path!("/account/credits") view=CreditsPage ssr=SsrMode::Async />
                    <Route path=path!("/admin") view=AdminHealthPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/users") view=AdminUsersPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/users/:id") view=AdminUserPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/applications") view=AdminApplicationsPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/audit") view=AdminAuditPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/announcements") view=AdminAnnouncementsPage ssr=SsrMode::Async />
                    <Route path=path!("/applications") view=ApplicationsPage ssr=SsrMode::Async />
                    <Route path=path!("/applications/:id") view=ApplicationPage ssr=SsrMode::Async />
                    <Route path=path!("/applications/:id/new-service") view=NewServicePage ssr=SsrMode::Async />
                    <Route path=path!("/services/:id") view=ServicePage ssr=SsrMode::Async />
                    <Route path=path!("/volumes/:id") view=VolumePage ssr=SsrMode::Async />
                    <Route path=path!("/volumes/:id/files") view=VolumeFilesPage ssr=SsrMode::Async />
                    <Route path=path!("/trash") view=TrashPage ssr=SsrMode::Async />
                    <Route path=path!("/services/:id/access") view=AccessPage ssr=SsrMode::Async />
                    <Route path=path!("/services/:id/logs") view=LogsPage ssr=SsrMode::Async />
                </Routes>
            </main>
            <Footer />
        </Router>
    }
}
