//! Classes of attacks that other platforms fell for, where no test of a room covers them. The whole list, with our answer
//! to each, is in `docs/security.md`.

use crate::support::{App, PASSWORD};
use aerie_director::identity::Authority;
use aerie_domain::InstanceId;
use serde_json::json;
use sqlx::PgPool;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Class AA: secrets go in and never come out.
#[sqlx::test(migrations = "../../migrations")]
async fn no_answer_holds_a_secret(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let browser = app.browser("ada").await;
    let secret = json!({"settings": {}, "variables": [{"name": "KEY", "value": "hunter2-of-ada", "secret": true}]});
    ada.put(&format!("/api/v1/services/{service}/settings"), secret).await.expect(202);
    let form = json!({"name": "laptop", "scope": "write", "expires_in_days": 7});
    let token = browser.post("/api/v1/me/tokens", form).await.expect(201);
    let token = token["secret"].as_str().unwrap();
    let application = ada.get("/api/v1/applications").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let paths = [
        "/api/v1/me".to_owned(),
        "/api/v1/me/tokens".to_owned(),
        "/api/v1/me/sessions".to_owned(),
        "/api/v1/applications".to_owned(),
        format!("/api/v1/applications/{application}"),
        format!("/api/v1/services/{service}"),
        format!("/api/v1/services/{service}/instances"),
        format!("/api/v1/services/{service}/operations"),
        format!("/api/v1/services/{service}/logs"),
        format!("/services/{service}"),
        "/account".to_owned(),
        "/readyz".to_owned(),
    ];
    for path in paths {
        let answer = browser.clone().with("accept", "text/html").get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        for secret in [PASSWORD, "hunter2-of-ada", token, "$argon2", "PRIVATE KEY", "postgres://"] {
            assert!(!answer.text.contains(secret), "{path} tells {secret:?}");
        }
    }
}

/// Class AD: addresses end up in logs and histories.
#[sqlx::test(migrations = "../../migrations")]
async fn a_token_in_the_address_counts_for_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    app.user("ada").await;
    let login = json!({"user_name": "ada", "password": PASSWORD});
    let token = app.anybody().post("/api/v1/login", login).await.expect(201);
    let secret = token["secret"].as_str().unwrap();
    for name in ["token", "access_token", "api_key", "authorization", "bearer"] {
        app.anybody().get(&format!("/api/v1/me?{name}={secret}")).await.refused(401, "not_signed_in");
    }
}

/// Class T: nobody gets more rights than they were given.
#[sqlx::test(migrations = "../../migrations")]
async fn nobody_registers_as_an_admin(pool: PgPool) {
    let app = App::start(pool).await;
    let form = json!({
        "user_name": "eve", "email": "eve@example.org", "password": PASSWORD, "password_again": PASSWORD,
        "role": "admin", "granted_millis": 1_000_000_000, "id": "00000000-0000-0000-0000-000000000000",
    });
    // Whether unknown fields are refused or passed over, eve is an ordinary user afterwards, or none.
    let answer = app.anybody().post("/api/v1/users", form).await;
    if answer.status == 201 {
        let login = json!({"user_name": "eve", "password": PASSWORD});
        let token = app.anybody().post("/api/v1/login", login).await.expect(201);
        let me = app.with_token(token["secret"].as_str().unwrap()).get("/api/v1/me").await.expect(200);
        assert_eq!(me["user"]["role"], "user");
    } else {
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
    for name in ["admin", "system", "root", "teacher"] {
        let form = json!({
            "user_name": name, "email": format!("{name}@example.org"), "password": PASSWORD, "password_again": PASSWORD,
        });
        let answer = app.anybody().post("/api/v1/users", form).await;
        if answer.status == 201 {
            let login = json!({"user_name": name, "password": PASSWORD});
            let token = app.anybody().post("/api/v1/login", login).await.expect(201);
            let me = app.with_token(token["secret"].as_str().unwrap()).get("/api/v1/me").await.expect(200);
            assert_eq!(me["user"]["role"], "user", "{name}");
        }
    }
}

/// Class S: the first admin is made by the start itself, with a random password, and only once.
#[sqlx::test(migrations = "../../migrations")]
async fn nobody_can_take_over_a_fresh_installation(pool: PgPool) {
    let app = App::start(pool).await;
    let password = app.state.usecases.ensure_admin().await.unwrap().expect("a fresh installation");
    assert!(password.len() >= 20 && password.chars().collect::<BTreeSet<_>>().len() > 6, "{password}");
    assert_eq!(app.state.usecases.ensure_admin().await.unwrap(), None, "only once");
    for guess in ["teacher", "admin", "changeme", "password", ""] {
        let login = json!({"user_name": "teacher", "password": guess});
        assert_eq!(app.anybody().post("/api/v1/login", login).await.status, 401, "{guess:?}");
    }
}

/// Class R: what one installation knows opens nothing of another.
#[test]
fn two_installations_share_no_secret() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let instance = InstanceId::generate();
    let identities: Vec<_> = folders
        .iter()
        .map(|folder| Authority::open(folder.path()).unwrap().instance_identity(instance).unwrap())
        .collect();
    assert_ne!(identities[0], identities[1]);
    let keys: Vec<_> = folders.iter().map(|folder| fs::read(folder.path().join("authority.key")).unwrap()).collect();
    assert!(keys[0] != keys[1] && keys[0].len() >= 32);
}

/// Class AK: what we write is for us alone.
#[sqlx::test(migrations = "../../migrations")]
async fn files_of_the_platform_are_closed_to_others(pool: PgPool) {
    let app = App::start(pool).await;
    app.user("ada").await.php("blog").await;
    let data = &app.state.config.options.data_dir;
    Authority::open(data).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data), 0o700, "nobody gets past the folder");
    assert_eq!(mode(&data.join("authority.key")), 0o600);
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Classes A to I: nothing of a user's ever meets a shell. The agent starts the processes of a kind inside instances; the
/// firewall's programs get rules of ours over their input; git gets ids, and names of branches that are harmless anywhere.
/// Everything else speaks to the engine's API in types.
#[test]
fn processes_are_started_in_audited_places_only() {
    let mut found = BTreeSet::new();
    for room in fs::read_dir(root().join("backend")).unwrap() {
        let mut files = Vec::new();
        sources(&room.unwrap().path().join("src"), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            if code.contains("Command::new") && !file.ends_with("tests.rs") && !file.ends_with("testing.rs") {
                found.insert(file.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    let audited = [
        "backend/agent/src/host.rs",
        "backend/cloud/src/docker/firewall/tables.rs",
        "backend/director/src/git/program.rs",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), audited);
}

/// A page that promises tests must not promise what is gone.
#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut files = Vec::new();
    for folder in ["backend", "tests", "frontend"] {
        sources(&root().join(folder), &mut files);
    }
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    // The last column of the table, name by name.
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.ends_with('|'));
    let names: BTreeSet<&str> = rows
        .filter_map(|row| row.trim_end_matches('|').rsplit('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains('_') && !name.contains(|c: char| c.is_ascii_uppercase()))
        .collect();
    assert!(names.len() > 25, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that are gone: {missing:?}");
}
