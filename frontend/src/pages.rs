//! One module per page. A page loads its data with one server function, and hands it to small sections.
//!
//! To extend: a module here, a route in `app`, and a link from where people look for it.

mod access;
mod account;
mod admin;
mod application;
mod applications;
mod credits;
mod home;
mod log_in;
mod logs;
mod new_service;
mod register;
mod service;
mod trash;
mod volume;
mod volume_files;

pub use access::AccessPage;
pub use account::AccountPage;
pub use admin::{
    AdminAnnouncementsPage, AdminApplicationsPage, AdminAuditPage, AdminHealthPage, AdminUserPage, AdminUsersPage,
};
pub use application::ApplicationPage;
pub use applications::ApplicationsPage;
pub use credits::CreditsPage;
pub use home::HomePage;
pub use log_in::LogInPage;
pub use logs::LogsPage;
pub use new_service::NewServicePage;
pub use register::RegisterPage;
pub use service::ServicePage;
pub use trash::TrashPage;
pub use volume::VolumePage;
pub use volume_files::VolumeFilesPage;

use crate::PageError;
use aerie_domain::Problem;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use std::str::FromStr;

/// The id in the page's address. One that is not an id is nobody's.
fn id_in_path<T>(what: &'static str) -> Memo<Result<T, PageError>>
where
    T: FromStr + Clone + PartialEq + Send + Sync + 'static,
{
    let params = use_params_map();
    Memo::new(move |_| {
        params
            .with(|params| params.get("id").and_then(|id| id.parse().ok()))
            .ok_or_else(|| Problem::not_found(what).into())
    })
}

/// A path on this site, or the start page: `next` comes from the address, which anybody can write.
#[cfg(any(feature = "ssr", test))]
pub fn local_path(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn next_never_leads_elsewhere() {
        assert_eq!(local_path("/services/1?x=2#code"), "/services/1?x=2#code");
        for evil in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\nb",
            "javascript:alert(1)",
            "/ü",
            "/a b",
        ] {
            assert_eq!(local_path(evil), "/", "{evil:?}");
        }
    }
}
