//! API tokens.

use crate::PageError;
use aerie_domain::{TokenId, views::CreatedToken};
use leptos::prelude::*;

/// Cookie in which a new token's secret travels over the redirect after a form without scripts.
#[cfg(feature = "ssr")]
const COOKIE: &str = "aerie_new_token";

/// Makes a token; its secret is in this answer and nowhere else.
#[server(prefix = "/fn", endpoint = "create_token")]
pub async fn create_token(name: String, scope: String, expires_in_days: String) -> Result<CreatedToken, PageError> {
    use crate::ssr::context;
    use aerie_domain::{Problem, views};
    let keep = |error: PageError| error.keeping("name", &name).keeping("expires_in_days", &expires_in_days);
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let form = views::CreateToken {
        name: name.trim().to_owned(),
        scope: scope.parse().map_err(|_| keep(Problem::field("scope", "must be read or write").into()))?,
        expires_in_days: expires_in_days
            .trim()
            .parse()
            .map_err(|_| keep(Problem::field("expires_in_days", "must be a number of days").into()))?,
    };
    let created = use_cases.create_token(&actor, form).await.map_err(|failure| keep(failure.into()))?;
    if context::accepts_html() {
        carry_over(&created);
        context::see_other("/account#tokens");
    }
    Ok(created)
}

/// Ends a token.
#[server(prefix = "/fn", endpoint = "revoke_token")]
pub async fn revoke_token(token: TokenId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.revoke_token(&context::actor()?, token).await?;
    context::back_to("/account#tokens");
    Ok(())
}

/// The answer to a form without scripts is a redirect, and a secret must not be in an address: it waits for the next
/// page in a cookie that no script can read and that ends with that page, or after a minute.
#[cfg(feature = "ssr")]
fn carry_over(created: &CreatedToken) {
    use crate::format::query_value;
    if let Ok(json) = serde_json::to_string(created) {
        set_cookie(&query_value(&json), 60);
    }
}

/// The token that was just made without scripts; only once.
#[cfg(feature = "ssr")]
pub(super) fn take_created() -> Option<CreatedToken> {
    use crate::ssr::context;
    use axum::http::header;
    let cookie = context::headers(|headers| {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('=').map(ToOwned::to_owned))
    })?;
    set_cookie("", 0);
    serde_json::from_slice(&decode(&cookie)?).ok()
}

#[cfg(feature = "ssr")]
fn set_cookie(value: &str, seconds: u32) {
    use crate::ssr::context;
    // The path covers the page and, for a page that is hydrating, the server function of the same name.
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    context::append_header(axum::http::header::SET_COOKIE, &cookie);
}

/// Undoes [`query_value`](crate::format::query_value).
#[cfg(feature = "ssr")]
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            out.push(digit(bytes.next()?)? * 16 + digit(bytes.next()?)?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::decode;
    use crate::format::query_value;

    #[test]
    fn cookies_are_read_as_they_were_written() {
        let text = r#"{"secret":"aerie_ü%;,"}"#;
        assert_eq!(decode(&query_value(text)), Some(text.as_bytes().to_vec()));
        assert_eq!(decode("%"), None);
        assert_eq!(decode("%zz"), None);
    }
}
