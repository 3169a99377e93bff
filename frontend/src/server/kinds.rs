//! Service kinds.

use crate::PageError;
use aerie_domain::views::KindView;
use leptos::prelude::*;

/// The kinds on offer.
#[server(prefix = "/fn", endpoint = "load_kinds")]
pub async fn load_kinds() -> Result<Vec<KindView>, PageError> {
    use crate::ssr::context;
    context::actor()?;
    Ok(context::use_cases()?.kinds_offered())
}

/// Kind → icon.
#[cfg(feature = "ssr")]
pub(super) fn icons(use_cases: &aerie_usecases::UseCases) -> std::collections::BTreeMap<String, String> {
    use_cases.kinds_offered().into_iter().map(|kind| (kind.name, kind.icon)).collect()
}
