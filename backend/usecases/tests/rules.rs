//! The rules of the application layer, on a real database: who may do what, and what a mistake is answered with.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod support;

use aerie_domain::{
    DesiredState, OperationState, ProblemCode, ServiceState, TokenScope,
    views::{
        ActivateVersion, ChangeSettings, CreateApplication, CreateService, CreateToken, LogIn, PageQuery, Rename,
        Scale, VariableChange,
    },
};
use aerie_usecases::ClientInfo;
use sqlx::PgPool;
use std::collections::BTreeMap;
use support::{House, PASSWORD, code};

fn scale(role: &str, count: i64) -> Scale {
    Scale { roles: BTreeMap::from([(role.to_owned(), count)]), if_generation: None }
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_user_gets_nothing(pool: PgPool) {
    let house = House::open(pool);
    let (ada, eve) = (house.person("ada").await, house.person("eve").await);
    let service = house.php(&ada).await;
    let (id, application) = (service.summary.id, service.summary.application_id);
    let version = service.versions[0].id;
    let u = &house.usecases;
    let page = PageQuery::default();
    let codes = [
        code(u.application(&eve, application).await),
        code(u.rename_application(&eve, application, Rename { name: "mine".into() }).await),
        code(u.delete_application(&eve, application, "").await),
        code(u.volumes_kept_inside(&eve, application).await),
        code(u.services(&eve, application).await),
        code(u.create_service(&eve, application, CreateService { kind: "php".into(), name: None }).await),
        code(u.service(&eve, id).await),
        code(u.rename_service(&eve, id, Rename { name: "mine".into() }).await),
        code(u.start_service(&eve, id).await),
        code(u.stop_service(&eve, id).await),
        code(u.delete_service(&eve, id).await),
        code(u.scale_service(&eve, id, scale("php", 2)).await),
        code(u.configure_service(&eve, id, ChangeSettings::default()).await),
        code(u.versions(&eve, id, &page).await),
        code(u.version(&eve, id, version).await),
        code(u.activate_version(&eve, id, version).await),
        code(u.delete_version(&eve, id, version).await),
        code(u.version_file(&eve, id, version).await),
        code(u.begin_upload(&eve, id).await.map(|_| ())),
        code(u.operations(&eve, id, &page).await),
        code(u.log_access(&eve, id).await),
        code(u.manager_log(&eve, id, None, 10).await),
    ];
    assert!(codes.iter().all(|code| *code == ProblemCode::NotFound), "{codes:?}");
    assert!(u.applications(&eve, &page).await.unwrap().items.is_empty());
    let accepted = u.start_service(&ada, id).await.unwrap();
    assert_eq!(code(u.operation(&eve, accepted.operation.id).await), ProblemCode::NotFound);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_read_only_token_reads_only(pool: PgPool) {
    let house = House::open(pool);
    let ada = house.person("ada").await;
    let service = house.php(&ada).await;
    let u = &house.usecases;
    let form = CreateToken { name: "dashboard".into(), scope: TokenScope::Read, expires_in_days: 7 };
    let made = u.create_token(&ada, form).await.unwrap();
    let reader = u.actor_for_token(&made.secret, "::1").await.unwrap().expect("the token is known");
    let id = service.summary.id;
    assert!(u.service(&reader, id).await.is_ok());
    assert_eq!(code(u.start_service(&reader, id).await), ProblemCode::NotAllowed);
    assert_eq!(
        code(u.create_application(&reader, CreateApplication { name: "x".into() }).await),
        ProblemCode::NotAllowed
    );
    let form = CreateToken { name: "more".into(), scope: TokenScope::Write, expires_in_days: 7 };
    assert_eq!(code(u.create_token(&reader, form).await.map(|_| ())), ProblemCode::NotAllowed);
    u.revoke_token(&ada, made.token.id).await.unwrap();
    assert_eq!(u.actor_for_token(&made.secret, "::1").await.unwrap(), None);
    assert!(!u.actor_still_valid(&reader).await, "open streams of a revoked token are cut");
    assert_eq!(u.actor_for_token("aerie_guess", "::1").await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn unknown_users_and_wrong_passwords_get_the_same_answer_and_a_limit(pool: PgPool) {
    let house = House::open(pool);
    house.person("ada").await;
    let client = ClientInfo::default();
    let log_in = |name: &str, password: &str| {
        house.usecases.check_password(LogIn { user_name: name.into(), password: password.into() }, &client)
    };
    assert!(log_in("ada", PASSWORD).await.is_ok());
    assert!(log_in("ada@example.org", PASSWORD).await.is_ok());
    let wrong = log_in("ada", "not the right one").await.unwrap_err().into_problem();
    let unknown = log_in("bob", "not the right one").await.unwrap_err().into_problem();
    assert_eq!(wrong, unknown);
    let mut last = wrong.code;
    for _ in 0..6 {
        last = code(log_in("ada", "not the right one").await);
    }
    assert_eq!(last, ProblemCode::TooManyRequests);
    assert_eq!(code(log_in("ada", PASSWORD).await), ProblemCode::TooManyRequests, "also with the right one");
}

#[sqlx::test(migrations = "../../migrations")]
async fn intent_is_a_row_and_newer_requests_supersede_older_ones(pool: PgPool) {
    let house = House::open(pool);
    let ada = house.person("ada").await;
    let service = house.php(&ada).await;
    let id = service.summary.id;
    let u = &house.usecases;
    assert_eq!(service.summary.state, ServiceState::Init);
    assert_eq!(service.summary.name, "php");
    assert_eq!(service.summary.address.as_deref(), Some("http://blog.ada.localhost:7780"));
    let start = u.start_service(&ada, id).await.unwrap().operation;
    let scaled = u.scale_service(&ada, id, scale("php", 3)).await.unwrap().operation;
    let again = u.scale_service(&ada, id, scale("php", 4)).await.unwrap().operation;
    assert_eq!(u.operation(&ada, start.id).await.unwrap().state, OperationState::Pending);
    assert_eq!(u.operation(&ada, scaled.id).await.unwrap().state, OperationState::Superseded);
    let stop = u.stop_service(&ada, id).await.unwrap().operation;
    assert_eq!(u.operation(&ada, again.id).await.unwrap().state, OperationState::Superseded);
    assert_eq!(u.operation(&ada, stop.id).await.unwrap().state, OperationState::Pending);
    let row = house.store.service_fetch(id).await.unwrap().unwrap();
    assert_eq!((row.desired, row.generation), (DesiredState::Stopped, 5));
    assert_eq!(
        row.counts.iter().map(|(role, count)| format!("{role}={count}")).collect::<Vec<_>>(),
        ["php=4", "proxy=1", "web=1"]
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn mistakes_are_answered_per_field_and_change_nothing(pool: PgPool) {
    let house = House::open(pool);
    let ada = house.person("ada").await;
    let service = house.php(&ada).await;
    let id = service.summary.id;
    let u = &house.usecases;
    for (role, count) in [("php", -1), ("php", 0), ("php", 10_000), ("cobol", 1), ("sessions", 1)] {
        let problem = u.scale_service(&ada, id, scale(role, count)).await.unwrap_err().into_problem();
        assert!(problem.message_for(&format!("roles.{role}")).is_some(), "{problem:?}");
    }
    assert_eq!(code(u.scale_service(&ada, id, scale("php", 7)).await), ProblemCode::LimitReached);
    let stale = Scale { if_generation: Some(99), ..scale("php", 2) };
    assert_eq!(code(u.scale_service(&ada, id, stale).await), ProblemCode::ChangedMeanwhile);
    let form = ChangeSettings {
        settings: BTreeMap::from([("memory_limit".into(), "64M".into()), ("max_execution_time".into(), "x".into())]),
        variables: vec![VariableChange { name: "LD_PRELOAD".into(), value: Some("x".into()), secret: false }],
    };
    let problem = u.configure_service(&ada, id, form).await.unwrap_err().into_problem();
    let fields: Vec<&str> = problem.errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["settings.max_execution_time", "variables.LD_PRELOAD"]);
    assert_eq!(u.service(&ada, id).await.unwrap().generation, service.generation, "nothing changed");
    let twice = u.create_application(&ada, CreateApplication { name: "blog".into() }).await;
    assert!(twice.unwrap_err().into_problem().message_for("name").is_some());
    u.create_application(&ada, CreateApplication { name: "shop".into() }).await.unwrap();
    assert_eq!(
        code(u.create_application(&ada, CreateApplication { name: "more".into() }).await),
        ProblemCode::LimitReached
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn secret_variables_are_never_shown_again(pool: PgPool) {
    let house = House::open(pool);
    let ada = house.person("ada").await;
    let id = house.php(&ada).await.summary.id;
    let change = |name: &str, secret| VariableChange { name: name.into(), value: Some("v-4711".into()), secret };
    let form = ChangeSettings { variables: vec![change("PLAIN", false), change("KEY", true)], ..Default::default() };
    house.usecases.configure_service(&ada, id, form).await.unwrap();
    let view = house.usecases.service(&ada, id).await.unwrap();
    let shown: Vec<_> = view.variables.iter().map(|v| (v.name.as_str(), v.value.as_deref())).collect();
    assert_eq!(shown, [("KEY", None), ("PLAIN", Some("v-4711"))]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn uploads_are_checked_kept_and_numbered(pool: PgPool) {
    let house = House::open(pool);
    let ada = house.person("ada").await;
    let service = house.php(&ada).await;
    let id = service.summary.id;
    let u = &house.usecases;
    assert_eq!((service.versions[0].number, service.versions[0].active), (0, true), "a new service has code-default");

    let mut bad = u.begin_upload(&ada, id).await.unwrap();
    bad.write(b"<html>not an archive</html>").await.unwrap();
    assert_eq!(code(u.finish_upload(&ada, bad, "page.html", "").await), ProblemCode::BadArchive);
    let mut cut_off = u.begin_upload(&ada, id).await.unwrap();
    cut_off.write(b"half").await.unwrap();
    drop(cut_off);

    let file = u.version_file(&ada, id, service.versions[0].id).await.unwrap().0;
    let bytes = std::fs::read(file).unwrap();
    let mut upload = u.begin_upload(&ada, id).await.unwrap();
    upload.write(&bytes).await.unwrap();
    let version = u.finish_upload(&ada, upload, "my code.tar.zst", "a note").await.unwrap();
    assert_eq!((version.number, version.name.as_str(), version.active), (1, "my code.tar.zst", false));
    let waiting = std::fs::read_dir(house.usecases.settings().data_dir.join("blobs")).unwrap();
    let waiting =
        waiting.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("incoming-"));
    assert_eq!(waiting.count(), 0, "refused and cut-off uploads leave nothing");

    let form = ActivateVersion { version_id: version.id };
    u.activate_version(&ada, id, form.version_id).await.unwrap();
    assert_eq!(code(u.delete_version(&ada, id, version.id).await), ProblemCode::Conflict, "the active one stays");
    u.collect_garbage().await.unwrap();
    assert!(u.version_file(&ada, id, version.id).await.unwrap().0.exists(), "what is in use is not garbage");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_first_start_makes_the_entry_and_one_admin(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    u.ensure_system().await.unwrap();
    u.ensure_system().await.unwrap();
    let password = u.ensure_admin().await.unwrap().expect("made now");
    assert_eq!(u.ensure_admin().await.unwrap(), None, "only once");
    let form = LogIn { user_name: aerie_usecases::FIRST_ADMIN.into(), password };
    assert!(u.check_password(form, &ClientInfo::default()).await.is_ok());
    let system = house.store.user_system().await.unwrap().unwrap();
    let applications = house.store.application_list(system.id, None, 10).await.unwrap();
    assert_eq!(applications.len(), 1);
    let services = house.store.service_list(applications[0].id).await.unwrap();
    assert_eq!(
        services.iter().map(|s| (s.kind.as_str(), s.desired)).collect::<Vec<_>>(),
        [("entry", DesiredState::Running)]
    );
}
