//! Extractors of what [`identify`](super::identify()) found out.

use crate::http::problem::ApiError;
use aerie_usecases::{Actor, ClientInfo};
use axum::{extract::FromRequestParts, http::request::Parts};
use std::convert::Infallible;

/// Somebody who is signed in; everybody else gets 401.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Option<Actor>>().cloned().flatten().map(Self).ok_or_else(ApiError::not_signed_in)
    }
}

/// Where the request comes from.
#[derive(Debug, Clone)]
pub struct Client(pub ClientInfo);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<ClientInfo>().cloned().unwrap_or_default()))
    }
}
