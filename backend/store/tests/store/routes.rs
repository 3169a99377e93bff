//! What the entry routes to.

use crate::world::{application, instance, role, service, user, world};
use aerie_domain::RolePhase;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn the_oldest_public_service_of_an_application_is_its_main_one(pool: PgPool) {
    let world = world(pool).await;
    let eve = user(&world.store, "eve").await;
    let shop = application(&world.store, eve, "shop").await;
    service(&world.store, shop.id, "db", "mysql").await;
    let java = service(&world.store, shop.id, "java", "java").await;
    let second = service(&world.store, world.blog.id, "a-second", "php").await;
    let web = instance(&world.store, world.php).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_set_roles(web, &[role("web", RolePhase::Serving)], true).await.unwrap();
    txn.instance_set_observed(web, Some("10.208.0.2"), "running").await.unwrap();
    txn.commit().await.unwrap();

    let kinds = ["php".parse().unwrap(), "java".parse().unwrap()];
    let sources = world.store.route_sources(&kinds).await.unwrap();
    let summary: Vec<_> = sources
        .iter()
        .map(|s| (s.service_id, s.owner_name.as_str(), s.application_name.as_str(), s.is_main, s.instances.len()))
        .collect();
    assert_eq!(
        summary,
        [(second, "ada", "blog", false, 0), (world.php, "ada", "blog", true, 1), (java, "eve", "shop", true, 0)]
    );
    let member = &sources[1].instances[0];
    assert_eq!((member.id, member.address.as_deref(), member.wanted), (web, Some("10.208.0.2"), true));
    assert_eq!(member.roles, [role("web", RolePhase::Serving)]);
    assert_eq!(world.store.route_sources(&[]).await.unwrap(), []);
}
