//! Volumes as pages and programs see them.

use crate::{Outcome, UseCases};
use aerie_domain::views::{ServiceVolumeView, ServiceVolumesView, VolumeUseView, VolumeView};
use aerie_store::{ApplicationRow, AttachmentRow, ServiceRow, VolumeRow};
use time::Duration;

/// How long volumes stay in the trash: as the store has it.
const TRASH: Duration = Duration::days(7);

impl UseCases {
    /// With the names of their applications, as far as those are among the given ones, and of the services that have them.
    pub(super) async fn volume_views(
        &self,
        rows: Vec<VolumeRow>,
        applications: &[ApplicationRow],
    ) -> Outcome<Vec<VolumeView>> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let uses = self.store().attachments_of_volumes(&ids).await?;
        let of: Vec<_> = applications.iter().map(|application| application.id).collect();
        let names_services = !uses.is_empty() || rows.iter().any(|row| row.carried_by.is_some());
        let services = if names_services { self.store().services_of_applications(&of).await? } else { Vec::new() };
        let keeper = |row: &VolumeRow| services.iter().find(|service| Some(service.id) == row.carried_by);
        let view = |row: VolumeRow| {
            let application = applications.iter().find(|application| Some(application.id) == row.application_id);
            VolumeView {
                id: row.id,
                kept_by: keeper(&row).map(|service| self.link(service)),
                quota_mib: row.quota_mib,
                application_id: row.application_id,
                application: application.map(|application| application.name.to_string()).unwrap_or_default(),
                name: row.name.to_string(),
                note: row.note,
                state: row.state,
                reason: row.reason,
                size_bytes: row.size_bytes,
                measured_at: row.measured_at,
                warn_mib: row.warn_mib,
                is_large: row.size_bytes.is_some_and(|bytes| bytes > u64::from(row.warn_mib) << 20),
                used_by: self.uses_of(&uses, row.id, &services),
                created_at: row.created_at,
                removed_at: row.deleted_at.map(|at| at + TRASH),
            }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    fn uses_of(
        &self,
        uses: &[AttachmentRow],
        volume: aerie_domain::VolumeId,
        services: &[ServiceRow],
    ) -> Vec<VolumeUseView> {
        let of_volume = uses.iter().filter(|used| used.volume_id == volume);
        let view = |used: &AttachmentRow| {
            let service = services.iter().find(|service| service.id == used.service_id)?;
            Some(VolumeUseView { service: self.link(service), path: used.path.clone(), read_only: used.read_only })
        };
        of_volume.filter_map(view).collect()
    }

    /// What a service makes of the volumes of its application.
    pub(crate) async fn service_volumes(&self, service: &ServiceRow) -> Outcome<ServiceVolumesView> {
        let Some(spec) = &self.kind_of(&service.kind)?.spec.volumes else { return Ok(ServiceVolumesView::default()) };
        let rows = self.store().volume_list(service.application_id).await?;
        let attached = self.store().attachments_of_service(service.id).await?;
        let view = |row: &VolumeRow| {
            let used = attached.iter().find(|used| used.volume_id == row.id);
            let usable = used.is_some() || row.state == aerie_domain::VolumeState::Ready;
            usable.then(|| ServiceVolumeView {
                id: row.id,
                name: row.name.to_string(),
                attached: used.is_some(),
                path: used.map_or_else(|| format!("{}/{}", spec.folder, row.name), |used| used.path.clone()),
                read_only: used.is_some_and(|used| used.read_only),
            })
        };
        Ok(ServiceVolumesView { folder: spec.folder.clone(), volumes: rows.iter().filter_map(view).collect() })
    }
}
