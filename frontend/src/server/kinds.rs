//! Service kinds.

use crate::PageError;
use aerie_domain::{
    ApplicationId,
    views::{ApplicationView, KindView},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Data of the page on which a kind is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewServiceData {
    /// Where the service will be.
    pub application: ApplicationView,
    /// The kinds on offer.
    pub kinds: Vec<KindView>,
}

/// An application, and the kinds that a new service of it may have.
#[server(prefix = "/fn", endpoint = "load_new_service")]
pub async fn load_new_service(application: ApplicationId) -> Result<NewServiceData, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let application = use_cases.application(&actor, application).await?;
    Ok(NewServiceData { application, kinds: use_cases.kinds_offered() })
}

/// Kind → icon.
#[cfg(feature = "ssr")]
pub(super) fn icons(use_cases: &aerie_usecases::UseCases) -> std::collections::BTreeMap<String, String> {
    use_cases.kinds_offered().into_iter().map(|kind| (kind.name, kind.icon)).collect()
}
