//! People, their sessions and their tokens.

use super::CreditView;
use crate::{SessionId, TokenId, TokenScope, UserId, UserRole};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Form of the registration page.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Register {
    /// Becomes part of public addresses; cannot be changed later.
    pub user_name: String,
    /// Where the teacher can write to.
    pub email: String,
    /// At least 10 characters, not one of the well-known ones.
    pub password: String,
    /// The same again.
    pub password_again: String,
    /// Given name.
    #[serde(default)]
    pub first_name: String,
    /// Family name.
    #[serde(default)]
    pub last_name: String,
    /// School, university or company.
    #[serde(default)]
    pub affiliation: String,
}

/// Form of the login page.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogIn {
    /// User name or e-mail address.
    pub user_name: String,
    /// Password.
    pub password: String,
}

/// Form for a new password.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    /// The present password.
    pub current_password: String,
    /// The new one.
    pub password: String,
    /// The new one again.
    pub password_again: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserView {
    /// Id.
    pub id: UserId,
    /// User name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// School, university or company.
    pub affiliation: String,
    /// Person or admin.
    pub role: UserRole,
    /// When registered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The person.
    pub user: UserView,
    /// Credit, shown on every page.
    pub credit: CreditView,
}

/// A browser in which the user is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionView {
    /// Id (not the cookie's secret).
    pub id: SessionId,
    /// The browser's own description.
    pub user_agent: String,
    /// Where it last came from.
    pub address: String,
    /// When it logged in.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last seen.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen_at: OffsetDateTime,
    /// It is the one that asks.
    pub current: bool,
}

/// Form for a new token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateToken {
    /// What it is for.
    pub name: String,
    /// Read or write.
    pub scope: TokenScope,
    /// Days until it expires: 1 to 365.
    pub expires_in_days: u32,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    /// Id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// First characters, to recognise it by.
    pub prefix: String,
    /// Read or write.
    pub scope: TokenScope,
    /// When made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When last used.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
}

/// A token that was just made: the only time its secret is shown.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The token.
    pub token: TokenView,
    /// `Authorization: Bearer <secret>`.
    pub secret: String,
}
