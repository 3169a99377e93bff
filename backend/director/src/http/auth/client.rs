//! Where a request comes from.

use crate::config::Config;
use aerie_usecases::ClientInfo;
use axum::{
    extract::{ConnectInfo, Request},
    http::header,
};
use std::net::{IpAddr, SocketAddr};

/// Longest description of a browser that is kept, in characters.
const MAX_USER_AGENT: usize = 200;

/// What is known of the client before it has proved anything.
pub(super) fn client_info(request: &Request, config: &Config) -> ClientInfo {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let forwarded = if config.options.behind_proxy { forwarded_for(request) } else { None };
    let address = forwarded.or(peer).map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
    let user_agent =
        request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ClientInfo { address, user_agent: user_agent.chars().take(MAX_USER_AGENT).collect() }
}

/// The last entry is the one that our own proxy wrote; the others are whatever the client sent.
fn forwarded_for(request: &Request) -> Option<IpAddr> {
    let value = request.headers().get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next()?.trim().parse().ok()
}
