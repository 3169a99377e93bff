//! The OpenAPI document, its page, and health.

use crate::support::App;
use aerie_cloud::{CloudErrorKind, simulated::Operation};
use sqlx::PgPool;

/// The table of the API. An endpoint that is not in the document, or the other way round, fails here.
const ENDPOINTS: &str = "
    DELETE /api/v1/admin/announcements/{id}
    DELETE /api/v1/applications/{id}
    DELETE /api/v1/me/sessions
    DELETE /api/v1/me/sessions/{id}
    DELETE /api/v1/me/tokens/{id}
    DELETE /api/v1/services/{id}
    DELETE /api/v1/services/{id}/backups/{backup}
    DELETE /api/v1/services/{id}/bindings/{other}
    DELETE /api/v1/services/{id}/versions/{version}
    DELETE /api/v1/services/{id}/volumes/{volume}
    DELETE /api/v1/volumes/{id}
    DELETE /api/v1/volumes/{id}/files
    GET /api/v1/admin/announcements
    GET /api/v1/admin/applications
    GET /api/v1/admin/audit
    GET /api/v1/admin/health
    GET /api/v1/admin/users
    GET /api/v1/admin/users/{id}
    GET /api/v1/admin/users/{id}/entries
    GET /api/v1/announcements
    GET /api/v1/applications
    GET /api/v1/applications/{id}
    GET /api/v1/applications/{id}/services
    GET /api/v1/applications/{id}/volumes
    GET /api/v1/events
    GET /api/v1/kinds
    GET /api/v1/kinds/{name}
    GET /api/v1/load-runs/{id}
    GET /api/v1/me
    GET /api/v1/me/credits
    GET /api/v1/me/credits/entries
    GET /api/v1/me/sessions
    GET /api/v1/me/tokens
    GET /api/v1/me/trash
    GET /api/v1/operations/{id}
    GET /api/v1/services/{id}
    GET /api/v1/services/{id}/access
    GET /api/v1/services/{id}/actions
    GET /api/v1/services/{id}/actions/runs
    GET /api/v1/services/{id}/backups
    GET /api/v1/services/{id}/backups/schedule
    GET /api/v1/services/{id}/backups/{backup}
    GET /api/v1/services/{id}/backups/{backup}/file
    GET /api/v1/services/{id}/instances
    GET /api/v1/services/{id}/load
    GET /api/v1/services/{id}/load-runs
    GET /api/v1/services/{id}/load/stream
    GET /api/v1/services/{id}/logs
    GET /api/v1/services/{id}/logs/stream
    GET /api/v1/services/{id}/operations
    GET /api/v1/services/{id}/versions
    GET /api/v1/services/{id}/versions/{version}
    GET /api/v1/services/{id}/versions/{version}/file
    GET /api/v1/volumes/{id}
    GET /api/v1/volumes/{id}/content
    GET /api/v1/volumes/{id}/files
    PATCH /api/v1/applications/{id}
    PATCH /api/v1/services/{id}
    PATCH /api/v1/volumes/{id}
    POST /api/v1/admin/announcements
    POST /api/v1/admin/services/{id}/stop
    POST /api/v1/admin/users/{id}/disable
    POST /api/v1/admin/users/{id}/enable
    POST /api/v1/admin/users/{id}/grants
    POST /api/v1/applications
    POST /api/v1/applications/{id}/restart
    POST /api/v1/applications/{id}/services
    POST /api/v1/applications/{id}/start
    POST /api/v1/applications/{id}/stop
    POST /api/v1/applications/{id}/volumes
    POST /api/v1/load-runs/{id}/cancel
    POST /api/v1/login
    POST /api/v1/me/tokens
    POST /api/v1/services/{id}/actions/{name}
    POST /api/v1/services/{id}/activate
    POST /api/v1/services/{id}/backups
    POST /api/v1/services/{id}/backups/upload
    POST /api/v1/services/{id}/backups/{backup}/restore
    POST /api/v1/services/{id}/load-runs
    POST /api/v1/services/{id}/restart
    POST /api/v1/services/{id}/secrets/{name}/renew
    POST /api/v1/services/{id}/start
    POST /api/v1/services/{id}/stop
    POST /api/v1/services/{id}/versions
    POST /api/v1/users
    POST /api/v1/volumes/{id}/restore
    POST /api/v1/volumes/{id}/snapshot
    PUT /api/v1/me/password
    PUT /api/v1/services/{id}/backups/schedule
    PUT /api/v1/services/{id}/bindings/{other}
    PUT /api/v1/services/{id}/scale
    PUT /api/v1/services/{id}/settings
    PUT /api/v1/services/{id}/volumes/{volume}
    PUT /api/v1/volumes/{id}/content
";

#[sqlx::test(migrations = "../../migrations")]
async fn the_document_lists_every_endpoint(pool: PgPool) {
    let app = App::start(pool).await;
    let document = app.anybody().get("/api/v1/openapi.json").await.expect(200);
    let mut listed: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            listed.push(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["responses"]["default"].is_object(), "{method} {path} does not tell of refusals");
        }
    }
    listed.sort();
    let expected: Vec<&str> = ENDPOINTS.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(listed, expected);
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"#/components/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let (kind, name) = reference.split_once('/').unwrap();
        assert!(document["components"][kind][name].is_object(), "{reference} is missing");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_can_read_it(pool: PgPool) {
    let app = App::start(pool).await;
    let page = app.anybody().get("/api/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Change how many instances roles have"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn health_tells_the_parts_apart(pool: PgPool) {
    let app = App::start(pool).await;
    assert_eq!(app.anybody().get("/healthz").await.status, 200);
    assert_eq!(app.anybody().get("/readyz").await.expect(200)["ready"], true);
    app.cloud.fail_always(Operation::Check, Some(CloudErrorKind::Unreachable));
    let answer = app.anybody().get("/readyz").await.expect(503);
    assert_eq!((&answer["database"]["ok"], &answer["cloud"]["ok"]), (&true.into(), &false.into()));
    assert_eq!(app.anybody().get("/healthz").await.status, 200);
}
