//! Banners.

use crate::{PageError, server::Dated};
use aerie_domain::{AnnouncementId, views::AnnouncementView};
use leptos::prelude::*;

/// What is announced now, and what is going to be.
#[server(prefix = "/fn", endpoint = "load_announcements")]
pub async fn load_announcements() -> Result<Dated<Vec<AnnouncementView>>, PageError> {
    use crate::ssr::context;
    Ok(Dated::new(context::use_cases()?.admin_announcements(&context::actor()?).await?))
}

/// Announces something; times are typed as UTC.
#[server(prefix = "/fn", endpoint = "announce")]
pub async fn announce(text: String, #[server(default)] from_at: String, until_at: String) -> Result<(), PageError> {
    use super::input;
    use crate::ssr::context;
    use aerie_domain::{Problem, views::CreateAnnouncement};
    let keep =
        |error: PageError| error.keeping("text", &text).keeping("from_at", &from_at).keeping("until_at", &until_at);
    let refuse = |field: &str, message: &str| keep(Problem::field(field, message).into());
    let from = input::moment(&from_at).map_err(|message| refuse("from_at", message))?;
    let until = input::moment(&until_at)
        .and_then(|until| until.ok_or("must not be empty"))
        .map_err(|message| refuse("until_at", message))?;
    let form = CreateAnnouncement { text: text.clone(), from_at: from, until_at: until };
    context::use_cases()?.announce(&context::actor()?, form).await.map_err(|failure| keep(failure.into()))?;
    context::back_to("/admin/announcements");
    Ok(())
}

/// Takes an announcement back.
#[server(prefix = "/fn", endpoint = "withdraw_announcement")]
pub async fn withdraw_announcement(announcement: AnnouncementId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.withdraw_announcement(&context::actor()?, announcement).await?;
    context::back_to("/admin/announcements");
    Ok(())
}
