//! The schema.

use aerie_store::Store;
use sqlx::PgPool;

#[sqlx::test(migrations = false)]
async fn directors_that_start_together_bring_the_schema_up_to_date_once(pool: PgPool) {
    let store = Store::from_pool(pool);
    let (one, two, three) = tokio::join!(store.migrate(), store.migrate(), store.migrate());
    one.unwrap();
    two.unwrap();
    three.unwrap();
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(store.user_count().await.unwrap(), 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_table_says_what_it_is_for(pool: PgPool) {
    let silent: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
          where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> '_sqlx_migrations'
            and obj_description(oid, 'pg_class') is null",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new());
}
