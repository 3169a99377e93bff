//! Volumes, who has them, and what has to be done with them.

use crate::world::world;
use aerie_domain::{VolumeId, VolumeState};
use aerie_store::{AttachmentRow, NewVolume};
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn a_volume_lives_until_its_time_in_the_trash_is_over(pool: PgPool) {
    let world = world(pool.clone()).await;
    let store = &world.store;
    let (service, application, owner) = store.service_with_owner(world.php).await.unwrap().unwrap();
    let new = |name: &str, source: Option<VolumeId>| NewVolume {
        id: VolumeId::generate(),
        owner_id: owner.id,
        application_id: application.id,
        name: name.parse().unwrap(),
        note: String::new(),
        warn_mib: 1024,
        source,
        carried_by: None,
        quota_mib: None,
    };
    let uploads = new("uploads", None);
    let mut txn = store.begin().await.unwrap();
    txn.volume_insert(&uploads).await.unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.begin().await.unwrap();
    let taken = txn.volume_insert(&new("uploads", None)).await.unwrap_err();
    assert_eq!(taken.constraint(), Some("volumes_name_key"));
    drop(txn);

    // somebody has it
    let attachment = AttachmentRow {
        service_id: service.id,
        volume_id: uploads.id,
        path: "/data/uploads".to_owned(),
        read_only: true,
    };
    let mut txn = store.begin().await.unwrap();
    txn.attachment_put(&attachment).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.attachments_of_service(service.id).await.unwrap(), std::slice::from_ref(&attachment));
    assert_eq!(store.attachments_of_volumes(&[uploads.id]).await.unwrap(), [attachment]);

    // it is measured once, and again when nobody has it any more
    assert_eq!(store.volume_measure_take().await.unwrap(), Some(uploads.id));
    assert_eq!(store.volume_measure_take().await.unwrap(), None, "somebody is at it");
    store.volume_measured(uploads.id, 4096).await.unwrap();
    assert_eq!(store.volume_fetch(uploads.id).await.unwrap().unwrap().size_bytes, Some(4096));
    assert_eq!(store.volume_measure_take().await.unwrap(), None);
    let mut txn = store.begin().await.unwrap();
    assert!(txn.attachment_delete(service.id, uploads.id).await.unwrap());
    assert!(!txn.attachment_delete(service.id, uploads.id).await.unwrap());
    txn.commit().await.unwrap();
    assert_eq!(store.volume_measure_take().await.unwrap(), Some(uploads.id));

    // a copy is made by one
    let copy = new("copy", Some(uploads.id));
    let mut txn = store.begin().await.unwrap();
    txn.volume_insert(&copy).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.volume_fetch(copy.id).await.unwrap().unwrap().state, VolumeState::Copying);
    let work = store.volume_copy_take().await.unwrap().unwrap();
    assert_eq!((work.volume, work.source), (copy.id, uploads.id));
    assert_eq!(store.volume_copy_take().await.unwrap(), None);
    store.volume_work_later(copy.id).await.unwrap();
    assert_eq!(store.volume_copy_take().await.unwrap(), None);
    sqlx::query("update volumes set work_until = work_until - interval '6 s'").execute(&pool).await.unwrap();
    assert_eq!(store.volume_copy_take().await.unwrap(), Some(work), "it can be done some seconds later");
    sqlx::query("update volumes set work_until = now() - interval '1 s'").execute(&pool).await.unwrap();
    assert_eq!(store.volume_copy_take().await.unwrap(), Some(work), "who had it is gone");
    store.volume_copy_end(copy.id, Some("no room")).await.unwrap();
    let row = store.volume_fetch(copy.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.reason.as_str()), (VolumeState::Failed, "no room"));

    // the trash
    let mut txn = store.begin().await.unwrap();
    txn.volumes_trash(application.id).await.unwrap();
    txn.commit().await.unwrap();
    assert!(store.volume_list(application.id).await.unwrap().is_empty());
    assert_eq!(store.volume_trash_list(owner.id).await.unwrap().len(), 2);
    assert!(store.volumes_expired().await.unwrap().is_empty());
    let mut txn = store.begin().await.unwrap();
    txn.volume_restore(uploads.id, application.id).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.volume_list(application.id).await.unwrap().len(), 1);
    sqlx::query("update volumes set deleted_at = deleted_at - interval '8 days'").execute(&pool).await.unwrap();
    assert_eq!(store.volumes_expired().await.unwrap(), [copy.id]);
    let mut txn = store.begin().await.unwrap();
    assert!(txn.volume_restore(copy.id, application.id).await.is_err(), "too late: its content may be gone");
    drop(txn);
    store.volume_forget(copy.id).await.unwrap();
    store.volume_forget(uploads.id).await.unwrap();
    assert!(store.volume_fetch(copy.id).await.unwrap().is_none());
    assert!(store.volume_fetch(uploads.id).await.unwrap().is_some(), "what was taken out of the trash stays");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_service_keeps_volumes_and_they_go_with_it(pool: PgPool) {
    let world = world(pool).await;
    let store = world.store;
    let carrier = store.service_fetch(world.php).await.unwrap().unwrap();
    let new = NewVolume {
        id: VolumeId::generate(),
        owner_id: world.ada,
        application_id: carrier.application_id,
        name: "uploads".parse().unwrap(),
        note: String::new(),
        warn_mib: 1024,
        source: None,
        carried_by: Some(carrier.id),
        quota_mib: Some(10),
    };
    let mut txn = store.begin().await.unwrap();
    txn.volume_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
    let rows = store.volumes_carried(carrier.id).await.unwrap();
    assert_eq!((rows.len(), rows[0].carried_by, rows[0].quota_mib), (1, Some(carrier.id), Some(10)));
    let mut txn = store.begin().await.unwrap();
    assert_eq!(txn.volumes_carried(carrier.id).await.unwrap(), rows);
    drop(txn);
    assert_eq!(store.volumes_fetch(&[new.id]).await.unwrap(), rows);
    let mut txn = store.begin().await.unwrap();
    txn.volume_change(new.id, &new.name, "pictures", 512, None).await.unwrap();
    txn.volume_trash(new.id).await.unwrap();
    txn.wake_users_of_carried(carrier.id).await.unwrap();
    txn.commit().await.unwrap();
    let rows = store.volumes_carried(carrier.id).await.unwrap();
    assert_eq!((rows.len(), rows[0].quota_mib), (1, None), "its content is there as long as it is in the trash");
    let mut txn = store.begin().await.unwrap();
    txn.service_delete(carrier.id).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.volume_fetch(new.id).await.unwrap(), None);
}
