//! Signing in and out, and where the person is signed in.

use super::Dated;
use crate::PageError;
use aerie_domain::{
    SessionId,
    views::{CreatedToken, SessionView, TokenView, UserView},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Data of the account page.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccountData {
    /// The person.
    pub user: UserView,
    /// Browsers in which they are signed in.
    pub sessions: Vec<SessionView>,
    /// Their tokens.
    pub tokens: Vec<TokenView>,
    /// A token that a form without scripts has just made: shown once.
    pub created: Option<CreatedToken>,
}

/// Everything on the account page.
#[server(prefix = "/fn", endpoint = "load_account")]
pub async fn load_account() -> Result<Dated<AccountData>, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    Ok(Dated::new(AccountData {
        user: use_cases.me(&actor).await?.user,
        sessions: use_cases.sessions(&actor).await?,
        tokens: use_cases.tokens(&actor).await?,
        created: super::tokens::take_created(),
    }))
}

/// Signs in and goes on to `next`.
#[server(prefix = "/fn", endpoint = "log_in")]
pub async fn log_in(user_name: String, password: String, #[server(default)] next: String) -> Result<(), PageError> {
    use crate::ssr::context;
    let typed = user_name.trim().to_owned();
    let form = aerie_domain::views::LogIn { user_name: typed.clone(), password };
    sign_in(&context::use_cases()?, form).await.map_err(|error| error.keeping("user_name", &typed))?;
    context::see_other(crate::pages::local_path(&next));
    Ok(())
}

/// Signs out.
#[server(prefix = "/fn", endpoint = "log_out")]
pub async fn log_out() -> Result<(), PageError> {
    use crate::ssr::context;
    if let Some(actor) = context::optional_actor() {
        context::use_cases()?.note_log_out(&actor).await?;
    }
    context::session()?.sign_out().await?;
    context::see_other("/login");
    Ok(())
}

/// Signs another browser out.
#[server(prefix = "/fn", endpoint = "revoke_session")]
pub async fn revoke_session(session: SessionId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.revoke_session(&context::actor()?, session).await?;
    context::back_to("/account#sessions");
    Ok(())
}

/// Signs all other browsers out.
#[server(prefix = "/fn", endpoint = "revoke_other_sessions")]
pub async fn revoke_other_sessions() -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.revoke_other_sessions(&context::actor()?).await?;
    context::back_to("/account#sessions");
    Ok(())
}

/// Checks the password and begins a session.
#[cfg(feature = "ssr")]
pub(super) async fn sign_in(
    use_cases: &aerie_usecases::UseCases,
    form: aerie_domain::views::LogIn,
) -> Result<(), PageError> {
    use crate::ssr::context;
    let session = context::session()?;
    let user = use_cases.check_password(form, &context::client()).await?;
    Ok(session.sign_in(user.user, user.auth_epoch).await?)
}
