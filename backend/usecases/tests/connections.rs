//! Secrets and bindings, on a real database.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod support;

use aerie_domain::{
    DesiredState, ProblemCode, ServiceId, TokenId, TokenScope,
    views::{BindService, CreateApplication, CreateService, Rename},
};
use aerie_store::Store;
use aerie_usecases::{Actor, Outcome, UseCases, Via};
use sqlx::PgPool;
use support::{House, code};

/// Ada's application with a site, a database and a store.
struct Shop {
    house: House,
    u: UseCases,
    store: Store,
    ada: Actor,
    site: ServiceId,
    db: ServiceId,
    kv: ServiceId,
}

impl Shop {
    async fn open(pool: PgPool) -> Self {
        let house = House::open(pool);
        let (u, store) = (house.usecases.clone(), house.store.clone());
        let ada = house.person("ada").await;
        let application = u.create_application(&ada, CreateApplication { name: "shop".into() }).await.unwrap().id;
        let mut ids = Vec::new();
        for (kind, name) in [("php", "site"), ("mysql", "db"), ("keyvalue", "cache")] {
            let form = CreateService { kind: kind.into(), name: Some(name.into()) };
            ids.push(u.create_service(&ada, application, form).await.unwrap().summary.id);
        }
        Self { house, u, store, ada, site: ids[0], db: ids[1], kv: ids[2] }
    }

    async fn bind(&self, client: ServiceId, server: ServiceId, prefix: Option<&str>) -> Outcome<()> {
        let form = BindService { prefix: prefix.map(str::to_owned) };
        self.u.bind_service(&self.ada, client, server, form).await.map(|_| ())
    }

    async fn password(&self) -> String {
        let access = self.u.access(&self.ada, self.db).await.unwrap();
        access.offers.into_iter().find(|offer| offer.name == "PASSWORD").unwrap().value
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_user_gets_nothing(pool: PgPool) {
    let shop = Shop::open(pool).await;
    shop.bind(shop.site, shop.db, None).await.unwrap();
    let eve = shop.house.person("eve").await;
    let own = shop.house.php(&eve).await;
    let codes = [
        code(shop.u.access(&eve, shop.db).await),
        code(shop.u.renew_secret(&eve, shop.db, "password").await),
        code(shop.u.bind_service(&eve, shop.site, shop.db, BindService::default()).await),
        code(shop.u.bind_service(&eve, own.summary.id, shop.db, BindService::default()).await),
        code(shop.u.unbind_service(&eve, shop.site, shop.db).await),
        code(shop.u.unbind_and_delete_service(&eve, shop.db).await),
    ];
    assert!(codes.iter().all(|code| *code == ProblemCode::NotFound), "{codes:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_that_may_only_read_gets_no_password(pool: PgPool) {
    let shop = Shop::open(pool).await;
    let via = Via::Token { id: TokenId::generate(), name: "reader".into(), scope: TokenScope::Read };
    let reader = Actor { via, ..shop.ada.clone() };
    let codes = [
        code(shop.u.access(&reader, shop.db).await),
        code(shop.u.renew_secret(&reader, shop.db, "password").await),
        code(shop.u.bind_service(&reader, shop.site, shop.db, BindService::default()).await),
        code(shop.u.unbind_service(&reader, shop.site, shop.db).await),
        code(shop.u.unbind_and_delete_service(&reader, shop.db).await),
    ];
    assert!(codes.iter().all(|code| *code == ProblemCode::NotAllowed), "{codes:?}");
    let view = shop.u.service(&reader, shop.db).await.unwrap();
    let shown = serde_json::to_string(&view).unwrap();
    assert!(!shown.contains(&shop.password().await), "the service's own view has no password in it");
}

#[sqlx::test(migrations = "../../migrations")]
async fn passwords_are_made_once_and_renewed_when_asked_for(pool: PgPool) {
    let shop = Shop::open(pool).await;
    let first = shop.password().await;
    assert_eq!(first.len(), 24);
    shop.u.start_service(&shop.ada, shop.db).await.unwrap();
    assert_eq!(shop.password().await, first, "a start makes no new ones");
    let before = shop.u.service(&shop.ada, shop.db).await.unwrap().generation;
    shop.u.renew_secret(&shop.ada, shop.db, "password").await.unwrap();
    assert_ne!(shop.password().await, first);
    assert_eq!(shop.u.service(&shop.ada, shop.db).await.unwrap().generation, before + 1);
    assert_eq!(code(shop.u.renew_secret(&shop.ada, shop.db, "no-such").await), ProblemCode::NotFound);
}

#[sqlx::test(migrations = "../../migrations")]
async fn services_show_whom_they_use_and_who_uses_them(pool: PgPool) {
    let shop = Shop::open(pool).await;
    let site = shop.u.service(&shop.ada, shop.site).await.unwrap().connections;
    assert_eq!(site.usable.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["db", "cache"]);
    assert!(site.takes_variables && !site.offers);
    shop.bind(shop.site, shop.db, None).await.unwrap();
    shop.bind(shop.site, shop.kv, Some("CACHE")).await.unwrap();
    let site = shop.u.service(&shop.ada, shop.site).await.unwrap().connections;
    let shown: Vec<_> = site.uses.iter().map(|b| (b.service.name.as_str(), b.prefix.as_str())).collect();
    assert_eq!(shown, [("db", "DB"), ("cache", "CACHE")]);
    assert!(site.uses[0].variables.contains(&"DB_PASSWORD".to_owned()), "{:?}", site.uses);
    assert!(site.usable.is_empty());
    let db = shop.u.service(&shop.ada, shop.db).await.unwrap().connections;
    assert_eq!(db.used_by.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["site"]);
    assert!(db.offers && !db.takes_variables);
    shop.u.unbind_service(&shop.ada, shop.site, shop.db).await.unwrap();
    assert_eq!(code(shop.u.unbind_service(&shop.ada, shop.site, shop.db).await), ProblemCode::NotFound);
    assert_eq!(shop.u.service(&shop.ada, shop.site).await.unwrap().connections.uses.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn circles_and_clashes_are_refused(pool: PgPool) {
    let shop = Shop::open(pool).await;
    shop.bind(shop.site, shop.db, None).await.unwrap();
    shop.bind(shop.db, shop.kv, None).await.unwrap();
    assert_eq!(code(shop.bind(shop.kv, shop.db, None).await), ProblemCode::Conflict, "db uses it");
    assert_eq!(code(shop.bind(shop.db, shop.db, None).await), ProblemCode::Conflict, "itself");
    assert_eq!(code(shop.bind(shop.db, shop.site, None).await), ProblemCode::Conflict, "php offers nothing");
    for prefix in ["db", "1X", "A-B", "AERIE", "ÄX"] {
        let problem = shop.bind(shop.site, shop.kv, Some(prefix)).await.unwrap_err().into_problem();
        assert!(problem.message_for("prefix").is_some(), "{prefix}: {problem:?}");
    }
    let problem = shop.bind(shop.site, shop.kv, Some("DB")).await.unwrap_err().into_problem();
    assert!(problem.message_for("prefix").is_some_and(|text| text.contains("taken")), "{problem:?}");
    shop.bind(shop.site, shop.kv, None).await.unwrap();
    shop.bind(shop.site, shop.kv, Some("KV2")).await.unwrap();
    let uses = shop.u.service(&shop.ada, shop.site).await.unwrap().connections.uses;
    assert_eq!(uses.iter().map(|b| b.prefix.as_str()).collect::<Vec<_>>(), ["DB", "KV2"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_second_database_gets_a_prefix_of_its_own(pool: PgPool) {
    let shop = Shop::open(pool).await;
    let application = shop.u.service(&shop.ada, shop.site).await.unwrap().summary.application_id;
    let form = CreateService { kind: "mysql".into(), name: Some("old-db".into()) };
    let second = shop.u.create_service(&shop.ada, application, form).await.unwrap().summary.id;
    shop.bind(shop.site, shop.db, None).await.unwrap();
    shop.bind(shop.site, second, None).await.unwrap();
    let uses = shop.u.service(&shop.ada, shop.site).await.unwrap().connections.uses;
    assert_eq!(uses.iter().map(|b| b.prefix.as_str()).collect::<Vec<_>>(), ["DB", "OLD_DB"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_others_use_is_deleted_only_when_they_shall_lose_it(pool: PgPool) {
    let shop = Shop::open(pool).await;
    shop.bind(shop.site, shop.db, None).await.unwrap();
    let problem = shop.u.delete_service(&shop.ada, shop.db).await.unwrap_err().into_problem();
    assert!(problem.code == ProblemCode::Conflict && problem.detail.contains("site"), "{problem:?}");
    shop.u.unbind_and_delete_service(&shop.ada, shop.db).await.unwrap();
    let row = shop.store.service_fetch(shop.db).await.unwrap().unwrap();
    assert_eq!(row.desired, DesiredState::Deleted);
    assert!(shop.u.service(&shop.ada, shop.site).await.unwrap().connections.uses.is_empty());
    let renamed = shop.u.rename_service(&shop.ada, shop.kv, Rename { name: "memory".into() }).await.unwrap();
    assert_eq!(renamed.summary.name, "memory");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_application_is_started_and_stopped_as_a_whole_by_its_owner(pool: PgPool) {
    let shop = Shop::open(pool).await;
    shop.bind(shop.site, shop.db, None).await.unwrap();
    let id = shop.u.service(&shop.ada, shop.site).await.unwrap().summary.application_id;
    let eve = shop.house.person("eve").await;
    assert_eq!(code(shop.u.start_application(&eve, id).await), ProblemCode::NotFound);
    assert_eq!(code(shop.u.stop_application(&eve, id).await), ProblemCode::NotFound);
    assert_eq!(code(shop.u.stop_application(&shop.ada, id).await), ProblemCode::Conflict, "nothing runs");

    // One runs already and is left alone.
    shop.u.start_service(&shop.ada, shop.kv).await.unwrap();
    let concerned = |accepted: aerie_domain::views::AcceptedAll| {
        accepted.operations.iter().map(|operation| operation.service_id).collect::<Vec<_>>()
    };
    let started = concerned(shop.u.start_application(&shop.ada, id).await.unwrap());
    assert_eq!(started, [shop.site, shop.db]);
    for service in [shop.site, shop.db, shop.kv] {
        assert_eq!(shop.store.service_fetch(service).await.unwrap().unwrap().desired, DesiredState::Running);
    }
    assert_eq!(code(shop.u.start_application(&shop.ada, id).await), ProblemCode::Conflict, "everything runs");
    assert_eq!(concerned(shop.u.stop_application(&shop.ada, id).await.unwrap()).len(), 3);

    let view = shop.u.application(&shop.ada, id).await.unwrap();
    let uses: Vec<_> = view.uses.iter().map(|used| (used.service_id, used.uses_id, used.prefix.as_str())).collect();
    assert_eq!(uses, [(shop.site, shop.db, "DB")]);
    let titles = |name: &str| {
        let service = view.services.iter().find(|service| service.name == name).unwrap();
        service.figures.iter().map(|figure| figure.spec.title.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(titles("site"), ["Requests"]);
    let of_db = ["Queries", "Connections", "Cluster size", "Servers in sync", "Replication queue"];
    assert_eq!(titles("db"), of_db);
}
