//! Which service has which volume.

use super::require_ready;
use crate::{Actor, Outcome, UseCases};
use aerie_domain::{
    OperationKind, Problem, ProblemCode, ServiceId, VolumeId,
    views::{Accepted, AttachVolume},
};
use aerie_store::AttachmentRow;
use async_recursion::async_recursion as boxed;

/// Volumes per service. Larger: more mounts in every container of it.
const MAX_ATTACHED: usize = 10;

/// Longest path, in bytes.
const MAX_PATH: usize = 100;

impl UseCases {
    /// Gives a volume to a service of the same application, or changes how it has it. Its instances are replaced.
    #[boxed]
    pub async fn attach_volume(
        &self,
        actor: &Actor,
        id: ServiceId,
        volume: VolumeId,
        form: AttachVolume,
    ) -> Outcome<Accepted> {
        actor.may_write()?;
        let (service, application, _) = self.owned_service(actor, id).await?;
        let mut txn = self.store().begin().await?;
        // a volume that is on its way to the trash must not get a user meanwhile
        self.lock_owned_application(&mut txn, actor, application.id).await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        let found = match txn.volume_lock(volume).await? {
            Some(found) if found.application_id == Some(application.id) && found.deleted_at.is_none() => found,
            _ => return Err(Problem::not_found("volume").into()),
        };
        require_ready(&found)?;
        let Some(spec) = &self.kind_of(&service.kind)?.spec.volumes else {
            return Err(Problem::new(ProblemCode::Conflict, "Services of this kind take no volumes.").into());
        };
        let typed = form.path.as_deref().map(str::trim).filter(|path| !path.is_empty());
        let path = typed.map_or_else(|| format!("{}/{}", spec.folder, found.name), str::to_owned);
        if !is_path_below(&spec.folder, &path) {
            let message = format!(
                "must be a folder below {}, of letters, digits, dots, hyphens and underscores, such as {}/{}",
                spec.folder, spec.folder, found.name
            );
            return Err(Problem::field("path", message).into());
        }
        let others = txn.attachments_of_service(id).await?;
        let others: Vec<_> = others.into_iter().filter(|other| other.volume_id != volume).collect();
        if others.iter().any(|other| overlap(&other.path, &path)) {
            let message = "is, or lies in, or holds the folder of another volume of this service";
            return Err(Problem::field("path", message).into());
        }
        if others.len() >= MAX_ATTACHED {
            let detail = format!("A service has at most {MAX_ATTACHED} volumes.");
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        let attachment = AttachmentRow { service_id: id, volume_id: volume, path, read_only: form.read_only };
        txn.attachment_put(&attachment).await?;
        let intent = row.service.intent();
        self.accept_because(txn, actor, &row, &intent, OperationKind::Configure, &format!("volume {}", found.name))
            .await
    }

    /// Takes a volume away from a service. What is on it stays. The service's instances are replaced.
    #[boxed]
    pub async fn detach_volume(&self, actor: &Actor, id: ServiceId, volume: VolumeId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        if !txn.attachment_delete(id, volume).await? {
            return Err(Problem::not_found("volume").into());
        }
        let intent = row.service.intent();
        self.accept_because(txn, actor, &row, &intent, OperationKind::Configure, "volume taken away").await
    }
}

/// A plain path below the folder: nothing that could lead elsewhere or be read differently by anybody.
fn is_path_below(folder: &str, path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let rest = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    path.len() <= MAX_PATH && rest.is_some_and(|rest| rest.split('/').all(plain))
}

fn overlap(one: &str, other: &str) -> bool {
    let within = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(one, other) || within(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_appear_below_their_folder_and_nowhere_else() {
        for good in ["/data/uploads", "/data/a/b", "/data/Old_files-1.d"] {
            assert!(is_path_below("/data", good), "{good}");
        }
        let long = format!("/data/{}", "x".repeat(100));
        for bad in [
            "",
            "/",
            "/data",
            "/data/",
            "/data/..",
            "/data/../etc",
            "/data/a/../../etc",
            "/data/.hidden",
            "/data//a",
            "/data/a/",
            "/database/a",
            "data/a",
            "/etc/passwd",
            "/data/a b",
            "/data/a,readonly",
            "/data/a:ro",
            "/data/ä",
            "/data/a\n",
            long.as_str(),
        ] {
            assert!(!is_path_below("/data", bad), "{bad:?}");
        }
    }

    #[test]
    fn no_volume_hides_another() {
        assert!(overlap("/data/a", "/data/a") && overlap("/data/a", "/data/a/b") && overlap("/data/a/b", "/data/a"));
        assert!(!overlap("/data/a", "/data/ab") && !overlap("/data/a/b", "/data/a/c"));
    }
}
