//! Credit and administration: what running out does, who may do what beyond their own, and that nothing goes unnoticed.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod support;

use aerie_domain::{
    BootId, CreditLevel, Credits, DesiredState, InstanceId, OperationKind, ProblemCode, ServiceId, TokenScope,
    UserRole,
    views::{
        AuditQuery, ChangePassword, ChangeSettings, CreateAnnouncement, CreateApplication, CreateService, CreateToken,
        EventKind, Grant, LogIn, PageQuery, Rename, Scale, SearchQuery,
    },
};
use aerie_usecases::{Actor, ClientInfo, Uptime, UseCases};
use sqlx::PgPool;
use std::{collections::BTreeMap, io, time::Duration};
use support::{House, PASSWORD, code};
use time::OffsetDateTime;

/// A machine whose clock stands still between two readings.
#[expect(clippy::unnecessary_wraps, reason = "a real machine's clock may fail to be read")]
fn uptime() -> io::Result<Uptime> {
    Ok(Uptime { boot: BootId(sqlx::types::Uuid::nil()), uptime: Duration::from_secs(1000) })
}

/// An instance of Ada's that ran for so many hours and is gone.
async fn ran(house: &House, owner: &Actor, service: ServiceId, hours: f64) {
    sqlx::query(
        "insert into instance_meters (instance_id, owner_id, service_id, label, price_millis_per_hour, started_at, ended_at)
         values ($1, $2, $3, 'blog/php', 1000, now() - make_interval(secs => $4), now())",
    )
    .bind(InstanceId::generate().0)
    .bind(owner.user.0)
    .bind(service.0)
    .bind(hours * 3600.0)
    .execute(house.store.pool())
    .await
    .unwrap();
}

async fn admin(house: &House) -> Actor {
    let person = house.person("dean").await;
    sqlx::query("update users set role = 'admin' where id = $1")
        .bind(person.user.0)
        .execute(house.store.pool())
        .await
        .unwrap();
    Actor { role: UserRole::Admin, address: "192.0.2.9".into(), ..person }
}

/// How many events of the account are told, once there are as many as that: an event waits for transactions that began before it,
/// also those of other databases of the server.
async fn told(house: &House, person: &Actor, enough: usize) -> usize {
    let mut count = 0;
    for _ in 0..200 {
        let events = house.store.events_after(person.user, None, 100).await.unwrap();
        count = events.iter().filter(|event| event.kind == EventKind::Account).count();
        if count >= enough {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    count
}

fn grant(credits: i64) -> Grant {
    Grant { amount: Credits::whole(credits), reason: "for the second sheet".into() }
}

fn scale(role: &str, count: i64) -> Scale {
    Scale { roles: BTreeMap::from([(role.to_owned(), count)]), if_generation: None }
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_runs_out_is_warned_stopped_told_why_and_goes_on_after_a_grant(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    u.ensure_system().await.unwrap();
    let (ada, dean) = (house.person("ada").await, admin(&house).await);
    let id = house.php(&ada).await.summary.id;
    u.start_service(&ada, id).await.unwrap();
    u.scale_service(&ada, id, scale("php", 3)).await.unwrap();

    ran(&house, &ada, id, 41.0).await;
    u.charge(&uptime).await.unwrap();
    let credit = u.me(&ada).await.unwrap().credit;
    assert_eq!((credit.balance, credit.used_percent, credit.level), (Credits::whole(9), 82, CreditLevel::Low));
    assert_eq!(house.store.service_fetch(id).await.unwrap().unwrap().desired, DesiredState::Running);

    ran(&house, &ada, id, 9.0).await;
    u.charge(&uptime).await.unwrap();
    u.charge(&uptime).await.unwrap();
    let view = u.service(&ada, id).await.unwrap();
    assert!(view.summary.reason.contains("credit"), "the page says why: {:?}", view.summary.reason);
    let row = house.store.service_fetch(id).await.unwrap().unwrap();
    assert_eq!((row.desired, row.generation), (DesiredState::Stopped, 4), "stopped once");
    assert_eq!(view.operation.as_ref().map(|operation| operation.kind), Some(OperationKind::Stop));
    assert_eq!(told(&house, &ada, 2).await, 2, "two levels were told");

    let refusal = u.start_service(&ada, id).await.unwrap_err().into_problem();
    assert_eq!(refusal.code, ProblemCode::NoCredit);
    assert!(refusal.detail.contains("Ask your teacher"), "{refusal}");
    assert_eq!(code(u.scale_service(&ada, id, scale("php", 4)).await), ProblemCode::NoCredit);
    u.scale_service(&ada, id, scale("php", 1)).await.unwrap();

    u.grant(&dean, ada.user, grant(10)).await.unwrap();
    u.start_service(&ada, id).await.unwrap();
    assert_eq!(u.service(&ada, id).await.unwrap().summary.reason, "");
    u.charge(&uptime).await.unwrap();
    let credits = u.credits(&ada).await.unwrap();
    assert_eq!((credits.credit.balance, credits.credit.level), (Credits::whole(10), CreditLevel::Fine));
    let spent: i64 = credits.days.iter().map(|day| day.amount.micros).sum();
    assert_eq!(spent, 50_000_000, "the summary holds everything: {:?}", credits.days);
    let page = u.credit_entries(&ada, &PageQuery { after: None, limit: Some(1) }).await.unwrap();
    assert_eq!((page.items[0].what.as_str(), page.items[0].by.as_deref()), ("for the second sheet", Some("dean")));
    let rest = u.credit_entries(&ada, &PageQuery { after: page.next, limit: None }).await.unwrap();
    assert_eq!(rest.items.len(), 3, "two charges and the initial credit");
}

#[sqlx::test(migrations = "../../migrations")]
async fn there_is_no_administration_for_others(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    let ada = house.person("ada").await;
    let id = house.php(&ada).await.summary.id;
    let (search, audit) = (SearchQuery::default(), AuditQuery::default());
    let announcement = CreateAnnouncement { text: "x".into(), from_at: None, until_at: OffsetDateTime::now_utc() };
    let codes = [
        code(u.admin_users(&ada, &search).await),
        code(u.admin_user(&ada, ada.user).await),
        code(u.admin_user_entries(&ada, ada.user, &PageQuery::default()).await),
        code(u.disable_user(&ada, ada.user).await),
        code(u.enable_user(&ada, ada.user).await),
        code(u.grant(&ada, ada.user, grant(1)).await),
        code(u.admin_applications(&ada, None, &search).await),
        code(u.admin_stop_service(&ada, id).await),
        code(u.health(&ada).await),
        code(u.audit_log(&ada, &audit).await),
        code(u.admin_announcements(&ada).await),
        code(u.announce(&ada, announcement).await),
        code(u.withdraw_announcement(&ada, aerie_domain::AnnouncementId::generate()).await),
    ];
    assert!(codes.iter().all(|code| *code == ProblemCode::NotFound), "{codes:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn administrators_look_at_everything_and_stop_it_but_change_nothing(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    u.ensure_system().await.unwrap();
    let (ada, dean) = (house.person("ada").await, admin(&house).await);
    let service = house.php(&ada).await;
    let (id, application) = (service.summary.id, service.summary.application_id);
    let start = u.start_service(&ada, id).await.unwrap().operation.id;
    let page = PageQuery::default();

    let all = u.admin_applications(&dean, None, &SearchQuery::default()).await.unwrap().items;
    assert_eq!(
        all.iter().map(|a| (a.name.as_str(), a.owner.as_str(), a.read_only)).collect::<Vec<_>>(),
        [("blog", "ada", true)]
    );
    assert!(u.application(&dean, application).await.unwrap().read_only);
    let seen = u.service(&dean, id).await.unwrap();
    assert!(seen.read_only && seen.owner == "ada");
    assert_eq!(seen.summary.address.as_deref(), Some("http://blog.ada.localhost:7780"));
    assert_eq!(u.operation(&dean, start).await.unwrap().requested_by, "ada");
    u.operations(&dean, id, &page).await.unwrap();
    u.log_access(&dean, id).await.unwrap();
    u.manager_log(&dean, id, None, 10).await.unwrap();
    let version = u.versions(&dean, id, &page).await.unwrap().items[0].id;
    u.version_file(&dean, id, version).await.unwrap();

    let codes = [
        code(u.rename_application(&dean, application, Rename { name: "mine".into() }).await),
        code(u.delete_application(&dean, application, "").await),
        code(u.create_service(&dean, application, CreateService { kind: "php".into(), name: None }).await),
        code(u.rename_service(&dean, id, Rename { name: "mine".into() }).await),
        code(u.start_service(&dean, id).await),
        code(u.stop_service(&dean, id).await),
        code(u.delete_service(&dean, id).await),
        code(u.scale_service(&dean, id, scale("php", 2)).await),
        code(u.configure_service(&dean, id, ChangeSettings::default()).await),
        code(u.activate_version(&dean, id, version).await),
        code(u.delete_version(&dean, id, version).await),
        code(u.begin_upload(&dean, id).await.map(|_| ())),
    ];
    assert!(codes.iter().all(|code| *code == ProblemCode::NotFound), "{codes:?}");

    let stop = u.admin_stop_service(&dean, id).await.unwrap().operation;
    assert_eq!((stop.kind, stop.requested_by.as_str()), (OperationKind::Stop, "dean"));
    assert!(u.service(&ada, id).await.unwrap().summary.reason.contains("administrator"));
    assert_eq!(u.operation(&ada, stop.id).await.unwrap().id, stop.id, "the owner can follow it");
    let system = house.store.user_system().await.unwrap().unwrap().id;
    let entry = house.store.application_list(system, None, 1).await.unwrap()[0].id;
    let entry = house.store.service_list(entry).await.unwrap()[0].id;
    assert_eq!(code(u.admin_stop_service(&dean, entry).await), ProblemCode::NotFound, "the entry goes on");
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_locked_out_is_out_at_once(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    let (ada, dean) = (house.person("ada").await, admin(&house).await);
    let client = ClientInfo::default();
    let form = || LogIn { user_name: "ada".into(), password: PASSWORD.into() };
    let token = u.log_in_for_token(form(), &client).await.unwrap();
    let actor = u.actor_for_token(&token.secret, "::1").await.unwrap().unwrap();
    assert_eq!(code(u.disable_user(&dean, dean.user).await), ProblemCode::Conflict, "not oneself");
    assert!(u.disable_user(&dean, ada.user).await.unwrap().disabled_at.is_some());
    assert_eq!(u.actor_for_token(&token.secret, "::1").await.unwrap(), None);
    assert!(!u.actor_still_valid(&actor).await, "open streams are cut");
    assert_eq!(code(u.check_password(form(), &client).await), ProblemCode::WrongCredentials);
    assert_eq!(u.enable_user(&dean, ada.user).await.unwrap().disabled_at, None);
    assert!(u.check_password(form(), &client).await.is_ok());
    assert_eq!(u.actor_for_token(&token.secret, "::1").await.unwrap(), None, "old tokens stay ended");
    let found = u.admin_users(&dean, &SearchQuery { text: "ADA@".into(), ..SearchQuery::default() }).await.unwrap();
    assert_eq!(found.items.len(), 1);
    let problem = u.grant(&dean, ada.user, Grant { amount: Credits::whole(0), reason: " ".into() }).await.unwrap_err();
    let problem = problem.into_problem();
    assert!(problem.message_for("amount").is_some() && problem.message_for("reason").is_some(), "{problem}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn announcements_have_their_time(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    let dean = admin(&house).await;
    let now = OffsetDateTime::now_utc();
    let form = |until_at| CreateAnnouncement { text: " Maintenance at noon ".into(), from_at: None, until_at };
    let over = u.announce(&dean, form(now - time::Duration::MINUTE)).await.unwrap_err().into_problem();
    assert!(over.message_for("until_at").is_some(), "{over}");
    let made = u.announce(&dean, form(now + time::Duration::HOUR)).await.unwrap();
    assert_eq!(u.announcements().await.unwrap()[0].text, "Maintenance at noon");
    u.withdraw_announcement(&dean, made.id).await.unwrap();
    assert!(u.announcements().await.unwrap().is_empty());
    assert_eq!(code(u.withdraw_announcement(&dean, made.id).await), ProblemCode::NotFound);
}

/// The newest audit row's action, and that it says from where.
async fn last(u: &UseCases, dean: &Actor, from: &str) -> String {
    let newest =
        u.audit_log(dean, &AuditQuery { limit: Some(1), ..AuditQuery::default() }).await.unwrap().items.remove(0);
    assert_eq!(newest.address, from, "{newest:?}");
    assert!(newest.actor.is_some() && !newest.via.is_empty() && !newest.target.is_empty(), "{newest:?}");
    newest.action
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_change_is_remembered_with_its_address(pool: PgPool) {
    let house = House::open(pool);
    let u = &house.usecases;
    let (ada, dean) = (house.person("ada").await, admin(&house).await);
    let mut ada = Actor { address: "192.0.2.7".into(), ..ada };
    let from = ada.address.clone();
    let mut seen = Vec::new();
    let application = u.create_application(&ada, CreateApplication { name: "blog".into() }).await.unwrap().id;
    seen.push(last(u, &dean, &from).await);
    u.rename_application(&ada, application, Rename { name: "wiki".into() }).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let form = CreateService { kind: "php".into(), name: None };
    let service = u.create_service(&ada, application, form).await.unwrap();
    let id = service.summary.id;
    seen.push(last(u, &dean, &from).await);
    u.rename_service(&ada, id, Rename { name: "web".into() }).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.start_service(&ada, id).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.scale_service(&ada, id, scale("php", 2)).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.configure_service(&ada, id, ChangeSettings::default()).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let bytes = std::fs::read(u.version_file(&ada, id, service.versions[0].id).await.unwrap().0).unwrap();
    let mut upload = u.begin_upload(&ada, id).await.unwrap();
    upload.write(&bytes).await.unwrap();
    let version = u.finish_upload(&ada, upload, "code.tar.zst", "").await.unwrap().id;
    seen.push(last(u, &dean, &from).await);
    u.delete_version(&ada, id, version).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.activate_version(&ada, id, service.versions[0].id).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.stop_service(&ada, id).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.delete_service(&ada, id).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.delete_application(&ada, application, "").await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let form = CreateToken { name: "laptop".into(), scope: TokenScope::Write, expires_in_days: 1 };
    let token = u.create_token(&ada, form).await.unwrap().token.id;
    seen.push(last(u, &dean, &from).await);
    u.revoke_token(&ada, token).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.note_log_out(&ada).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let password = "another long password".to_owned();
    let form =
        ChangePassword { current_password: PASSWORD.into(), password: password.clone(), password_again: password };
    u.change_password(&ada, form).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    for secret in ["one", "two", "three"] {
        sqlx::query("insert into sessions (id, secret_hash, user_id, data, expires_at) values (gen_random_uuid(), $1, $2, '{}', now() + interval '1 h')")
            .bind(secret.as_bytes())
            .bind(ada.user.0)
            .execute(house.store.pool())
            .await
            .unwrap();
    }
    let session: sqlx::types::Uuid =
        sqlx::query_scalar("select id from sessions limit 1").fetch_one(house.store.pool()).await.unwrap();
    u.revoke_session(&ada, aerie_domain::SessionId(session)).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    ada.via = aerie_usecases::Via::Session(aerie_domain::SessionId::generate());
    u.revoke_other_sessions(&ada).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let from = dean.address.clone();
    u.grant(&dean, ada.user, grant(1)).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.disable_user(&dean, ada.user).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    u.enable_user(&dean, ada.user).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let until_at = OffsetDateTime::now_utc() + time::Duration::HOUR;
    let form = CreateAnnouncement { text: "Hello".into(), from_at: None, until_at };
    let announcement = u.announce(&dean, form).await.unwrap().id;
    seen.push(last(u, &dean, &from).await);
    u.withdraw_announcement(&dean, announcement).await.unwrap();
    seen.push(last(u, &dean, &from).await);
    let expected = [
        "application.create",
        "application.rename",
        "service.create",
        "service.rename",
        "service.start",
        "service.scale",
        "service.configure",
        "version.upload",
        "version.delete",
        "service.activate",
        "service.stop",
        "service.delete",
        "application.delete",
        "token.create",
        "token.revoke",
        "user.logout",
        "user.password",
        "session.revoke",
        "session.revoke",
        "user.grant",
        "user.disable",
        "user.enable",
        "announcement.create",
        "announcement.delete",
    ];
    assert_eq!(seen, expected);
    let by_dean = AuditQuery { actor: "dean".into(), action: "user.".into(), ..AuditQuery::default() };
    let actions: Vec<String> =
        u.audit_log(&dean, &by_dean).await.unwrap().items.into_iter().map(|row| row.action).collect();
    assert_eq!(actions, ["user.enable", "user.disable", "user.grant", "user.register"]);
}
