//! Code versions. Uploads go to a route of the director, because they are streamed.

use crate::PageError;
use aerie_domain::{CodeVersionId, ServiceId};
use leptos::prelude::*;

/// Makes a version the one that visitors get.
#[server(prefix = "/fn", endpoint = "activate_version")]
pub async fn activate_version(service: ServiceId, version: CodeVersionId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.activate_version(&context::actor()?, service, version).await?;
    context::back_to(&format!("/services/{service}#code"));
    Ok(())
}

/// Removes a version that is not in use.
#[server(prefix = "/fn", endpoint = "delete_version")]
pub async fn delete_version(service: ServiceId, version: CodeVersionId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.delete_version(&context::actor()?, service, version).await?;
    context::back_to(&format!("/services/{service}#code"));
    Ok(())
}
