//! What is around every page.

use super::Dated;
use crate::PageError;
use aerie_domain::views::{AnnouncementView, Me};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Who is signed in, and what everybody shall read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameData {
    /// The person; nobody is not an error.
    pub me: Option<Me>,
    /// What is announced now.
    pub announcements: Vec<AnnouncementView>,
}

/// Everything that is around every page.
#[server(prefix = "/fn", endpoint = "load_frame")]
pub async fn load_frame() -> Result<Dated<FrameData>, PageError> {
    use crate::ssr::context;
    let use_cases = context::use_cases()?;
    let me = match context::optional_actor() {
        Some(actor) => Some(use_cases.me(&actor).await?),
        None => None,
    };
    Ok(Dated::new(FrameData { me, announcements: use_cases.announcements().await? }))
}
