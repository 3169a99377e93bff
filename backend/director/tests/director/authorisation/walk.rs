//! Everybody asks for everything.

use super::{
    people::{Person, everybody, owner},
    table::{FUNCTIONS, PAGES, PLAIN, REST, Row, Who},
    world::{MARK, World},
};
use crate::support::App;
use axum::{
    body::to_bytes,
    http::{StatusCode, header},
};
use serde_json::{Value, json};
use sqlx::PgPool;

/// What came back.
struct Seen {
    status: StatusCode,
    code: String,
    location: String,
    text: String,
}

async fn ask(world: &World, person: &Person<'_>, row: &Row) -> Seen {
    let response = person.client.open(world.request(&person.client, row)).await;
    let (parts, body) = response.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    // Streams do not end.
    let text = if header(header::CONTENT_TYPE) == "text/event-stream" {
        String::new()
    } else {
        String::from_utf8_lossy(&to_bytes(body, 64 << 20).await.unwrap()).into_owned()
    };
    let code = serde_json::from_str(&text).ok().and_then(|problem: Value| Some(problem["code"].as_str()?.to_owned()));
    Seen { status: parts.status, code: code.unwrap_or_default(), location: header(header::LOCATION), text }
}

/// Notes what is not as expected.
async fn check(world: &World, person: &Person<'_>, row: &Row, wrong: &mut Vec<String>) {
    let seen = ask(world, person, row).await;
    let expected = person.expects(row);
    if !expected.is_met_by(seen.status.as_u16(), &seen.code) {
        wrong.push(format!(
            "{} {} by {}: {expected:?} expected, got {} {} {}",
            row.method,
            row.path,
            person.name,
            seen.status,
            seen.code,
            seen.text.chars().take(200).collect::<String>()
        ));
    }
    if !person.may_see() && seen.text.contains(MARK) {
        wrong.push(format!("{} {} by {} tells about ada's things: {}", row.method, row.path, person.name, seen.text));
    }
}

/// All lines but pages; folders of files have nothing at their beginning, and logging out comes last.
fn rows() -> Vec<&'static Row> {
    let rows = REST.iter().chain(FUNCTIONS).chain(PLAIN).filter(|row| !["/static", "/pkg"].contains(&row.path));
    let (last, mut first): (Vec<&Row>, Vec<&Row>) = rows.partition(|row| row.path == "/fn/log_out");
    first.extend(last);
    first
}

/// Everything that can be read about ada's things.
async fn all_of(ada: &World, person: &Person<'_>) -> Value {
    let mut all = json!({});
    for path in ["/api/v1/applications/{application}", "/api/v1/me/tokens", "/api/v1/services/{service}/versions"] {
        all[path] = person.client.get(&ada.path(path)).await.expect(200);
    }
    let mut service = person.client.get(&ada.path("/api/v1/services/{service}")).await.expect(200);
    service["state_since"] = Value::Null;
    all["service"] = service;
    // When a token was last used is no change.
    for token in all["/api/v1/me/tokens"]["items"].as_array_mut().unwrap() {
        token["last_used_at"] = Value::Null;
    }
    all
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_gets_at_what_is_not_theirs(pool: PgPool) {
    let app = App::start(pool).await;
    // Somebody has to be there for orders to the load generator.
    let _orders = app.state.usecases.take_load_orders(aerie_domain::DirectorId::generate());
    let ada = World::of(&app, "ada").await;
    let people = everybody(&app, &ada).await;
    let owner = owner(&app, &ada).await;
    let before = all_of(&ada, &owner[0]).await;
    let mut wrong = Vec::new();
    for person in &people {
        for row in rows() {
            check(&ada, person, row, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(all_of(&ada, &owner[0]).await, before, "nothing of ada's has changed");

    // The same requests do work for ada: it was not for a wrong id or form that others were refused. What removes comes
    // last, the innermost first.
    let (mut keeps, mut removes): (Vec<&Row>, Vec<&Row>) =
        rows().into_iter().partition(|row| row.method != "DELETE" && !row.path.contains("/fn/delete_"));
    removes.sort_by_key(|row| std::cmp::Reverse(row.path.contains("version")));
    removes.sort_by_key(|row| row.path.contains("application"));
    keeps.retain(|row| row.path != "/fn/log_out");
    for row in keeps.into_iter().chain(removes) {
        let client = usize::from(row.who == Who::Account);
        // Whatever ends sessions or tokens ends those of the table, and ends them once.
        if row.who != Who::Account || !row.changes() || !row.names_something() {
            check_owner(&ada, &owner[client], row, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "{} answers to the owner are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Removing twice is "not found" the second time, through REST or through a function.
async fn check_owner(ada: &World, person: &Person<'_>, row: &Row, wrong: &mut Vec<String>) {
    let seen = ask(ada, person, row).await;
    let removes = row.path.contains("/fn/delete_") || row.path == "/fn/unbind_service" || row.method == "DELETE";
    let gone = seen.code == "not_found" && removes;
    if !gone && !person.expects(row).is_met_by(seen.status.as_u16(), &seen.code) {
        wrong.push(format!("{} {} by {}: {} {}", row.method, row.path, person.name, seen.status, seen.text));
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn pages_show_nothing_to_those_whom_it_does_not_concern(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = World::of(&app, "ada").await;
    let mut wrong = Vec::new();
    let mut people = everybody(&app, &ada).await;
    people.extend(owner(&app, &ada).await);
    for person in people {
        let person = person.wanting_pages();
        for row in PAGES {
            let seen = ask(&ada, &person, row).await;
            // Pages answer people: strangers are led to where they can sign in.
            let met = match person.expects(row) {
                super::people::Expected::SignIn => {
                    seen.status.is_redirection() && seen.location.starts_with("/login?next=")
                }
                super::people::Expected::Served => seen.status.is_success() || seen.status.is_redirection(),
                super::people::Expected::NotFound => seen.status == 404,
                _ => seen.status == 403 || seen.status == 404,
            };
            if !met || (!person.may_see() && seen.text.contains(MARK)) {
                wrong.push(format!("{} by {}: {} to {:?}", row.path, person.name, seen.status, seen.location));
            }
        }
    }
    assert!(wrong.is_empty(), "{} pages are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Ids of others in the body or after an own id in the path.
#[sqlx::test(migrations = "../../migrations")]
async fn own_things_do_not_open_those_of_others(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (World::of(&app, "ada").await, World::of(&app, "eve").await);
    let client = app.browser("eve").await;
    let own = |path: &str| eve.path(path);
    let foreign = ada.thing("version");
    let activate = json!({"version_id": foreign});
    client.post(&own("/api/v1/services/{service}/activate"), activate).await.refused(404, "not_found");
    for end in ["", "/file"] {
        let path = format!("{}/{foreign}{end}", own("/api/v1/services/{service}/versions"));
        client.get(&path).await.refused(404, "not_found");
    }
    let path = format!("{}/{foreign}", own("/api/v1/services/{service}/versions"));
    client.delete(&path).await.refused(404, "not_found");
    let foreign = ada.thing("backup");
    let path = format!("{}/{foreign}", own("/api/v1/services/{db}/backups"));
    for end in ["", "/file"] {
        client.get(&format!("{path}{end}")).await.refused(404, "not_found");
    }
    client.delete(&path).await.refused(404, "not_found");
    let confirm = json!({"confirm": "eves-secret-db"});
    client.post(&format!("{path}/restore"), confirm).await.refused(404, "not_found");
    for (function, form) in [
        ("restore_backup", format!("service={}&backup={foreign}&confirm=eves-secret-db", eve.thing("db"))),
        ("delete_backup", format!("service={}&backup={foreign}", eve.thing("db"))),
    ] {
        assert_eq!(client.form(&format!("/fn/{function}"), &form).await.status, 404, "{function}");
    }
    let foreign = ada.thing("version");
    for (function, form) in [
        ("activate_version", format!("service={}&version={foreign}", eve.thing("service"))),
        ("delete_version", format!("service={}&version={foreign}", eve.thing("service"))),
    ] {
        assert_eq!(client.form(&format!("/fn/{function}"), &form).await.status, 404, "{function}");
    }
}
