//! Every stream ends within five seconds when the right to it does, and not before.

use super::world::{World, change_password, sql, token};
use crate::support::{App, Client};
use aerie_director::http::openapi;
use aerie_domain::TokenScope;
use axum::{
    body::{Body, BodyDataStream},
    http::Method,
};
use futures_util::{StreamExt, future::join_all};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What is promised.
const PROMISED: Duration = Duration::from_secs(5);

/// The paths of all streams, as the API's own document tells.
fn streams() -> Vec<String> {
    let document = openapi::document();
    let paths = document.value()["paths"].as_object().unwrap();
    let streaming = |get: &serde_json::Value| {
        let responses = get["responses"].as_object().unwrap();
        responses.values().any(|response| !response["content"]["text/event-stream"].is_null())
    };
    let found: Vec<_> = paths
        .iter()
        .filter(|(_, verbs)| verbs["get"].is_object() && streaming(&verbs["get"]))
        .map(|it| it.0.clone())
        .collect();
    assert!(found.len() >= 2, "{found:?}");
    found
}

struct Open {
    what: String,
    body: BodyDataStream,
}

async fn open(world: &World, client: &Client<'_>, path: &str, whose: &str) -> Open {
    let path = world.path(path);
    let response = client.open(client.request(Method::GET, &path, Body::empty())).await;
    assert_eq!(response.status(), 200, "{path} of {whose}");
    let mut body = response.into_body().into_data_stream();
    assert!(body.next().await.is_some(), "{path} of {whose} says hello");
    Open { what: format!("{path} of {whose}"), body }
}

impl Open {
    /// Reads to the end, if it comes in time; what is still on its way may be read.
    async fn ends(mut self) -> Result<(), String> {
        let end = async { while self.body.next().await.is_some() {} };
        timeout(PROMISED, end).await.map_err(|_| format!("{} goes on", self.what))
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stream_ends_with_the_right_to_it(pool: PgPool) {
    let app = App::start(pool).await;
    let reasons = [
        "revoked",
        "expired",
        "logged-out",
        "session-revoked",
        "new-password",
        "disabled-token",
        "disabled-session",
        "too-old",
        "removed",
    ];
    let mut worlds = Vec::new();
    for name in reasons.iter().chain(&["stays"]) {
        worlds.push(World::of(&app, name).await);
    }
    let mut open_streams = Vec::new();
    let mut staying = Vec::new();
    let mut clients = Vec::new();
    for (world, reason) in worlds.iter().zip(reasons.iter().chain(&["stays"])) {
        let client = match *reason {
            "revoked" | "expired" | "disabled-token" | "removed" | "stays" => {
                app.with_token(&token(&app, world.user, TokenScope::Read, time::Duration::HOUR).await)
            }
            name => app.browser(name).await,
        };
        for path in streams() {
            // The application is no part of the right to the stream of all events.
            if *reason == "removed" && !path.contains('{') {
                continue;
            }
            let stream = open(world, &client, &path, reason).await;
            if *reason == "stays" { staying.push(stream) } else { open_streams.push(stream) }
        }
        clients.push(client);
    }
    let of = |reason: &str| {
        let at = reasons.iter().position(|name| *name == reason).unwrap();
        (&worlds[at], &clients[at])
    };

    sql(&app, "update api_tokens set revoked_at = now() where user_id = $1", of("revoked").0.user).await;
    sql(&app, "update api_tokens set expires_at = now() where user_id = $1", of("expired").0.user).await;
    assert!(of("logged-out").1.form("/fn/log_out", "").await.status.as_u16() < 400);
    let other = app.browser("session-revoked").await;
    assert_eq!(other.delete("/api/v1/me/sessions").await.status, 204);
    change_password(&app.browser("new-password").await).await;
    for reason in ["disabled-token", "disabled-session"] {
        sql(&app, "update users set disabled_at = now() where id = $1", of(reason).0.user).await;
    }
    let old = "update sessions set data = jsonb_set(data, '{signed_in_at}', '0') where user_id = $1";
    sql(&app, old, of("too-old").0.user).await;
    let application = "delete from services where application_id in (select id from applications where owner_id = $1)";
    sql(&app, application, of("removed").0.user).await;

    let since = Instant::now();
    let (ended, stayed) =
        tokio::join!(join_all(open_streams.into_iter().map(Open::ends)), join_all(staying.into_iter().map(Open::ends)));
    let late: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    assert!(late.is_empty(), "after {:?}: {late:#?}", since.elapsed());
    assert!(stayed.iter().all(Result::is_err), "streams that are allowed go on: {stayed:?}");
}
