//! The person who asks.

use crate::PageError;
use aerie_domain::views::Me;
use leptos::prelude::*;

/// Who is signed in; nobody is not an error.
#[server(prefix = "/fn", endpoint = "me")]
pub async fn who_am_i() -> Result<Option<Me>, PageError> {
    use crate::ssr::context;
    match context::optional_actor() {
        Some(actor) => Ok(Some(context::use_cases()?.me(&actor).await?)),
        None => Ok(None),
    }
}

/// Makes an account and signs in.
#[server(prefix = "/fn", endpoint = "register")]
pub async fn register(
    user_name: String,
    email: String,
    password: String,
    password_again: String,
    #[server(default)] first_name: String,
    #[server(default)] last_name: String,
    #[server(default)] affiliation: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let typed = [
        ("user_name", user_name.clone()),
        ("email", email.clone()),
        ("first_name", first_name.clone()),
        ("last_name", last_name.clone()),
        ("affiliation", affiliation.clone()),
    ];
    let keep = |error: PageError| typed.iter().fold(error, |error, (field, value)| error.keeping(field, value));
    let use_cases = context::use_cases()?;
    let log_in = views::LogIn { user_name: user_name.trim().to_owned(), password: password.clone() };
    let form = views::Register {
        user_name: user_name.trim().to_owned(),
        email: email.trim().to_owned(),
        password,
        password_again,
        first_name: first_name.trim().to_owned(),
        last_name: last_name.trim().to_owned(),
        affiliation: affiliation.trim().to_owned(),
    };
    use_cases.register(form, &context::client()).await.map_err(|failure| keep(failure.into()))?;
    super::sessions::sign_in(&use_cases, log_in).await.map_err(keep)?;
    context::see_other("/");
    Ok(())
}

/// Sets a new password; every other browser is signed out, this one stays signed in.
#[server(prefix = "/fn", endpoint = "change_password")]
pub async fn change_password(
    current_password: String,
    password: String,
    password_again: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let form = views::ChangePassword { current_password, password, password_again };
    use_cases.change_password(&actor, form).await?;
    context::see_other("/account?password=changed#password");
    Ok(())
}
