//! Volumes of applications, and what is in the trash.

use super::Dated;
use crate::PageError;
use aerie_domain::{
    ApplicationId, ServiceId, VolumeId,
    views::{ApplicationView, VolumeFolderView, VolumeView},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Data of the trash's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrashData {
    /// What is in it.
    pub volumes: Vec<VolumeView>,
    /// Where it can go back to.
    pub applications: Vec<ApplicationView>,
}

/// Data of the page of a volume's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilesData {
    /// The volume.
    pub volume: VolumeView,
    /// The folder that is shown.
    pub folder: VolumeFolderView,
}

/// One volume.
#[server(prefix = "/fn", endpoint = "load_volume")]
pub async fn load_volume(volume: VolumeId) -> Result<Dated<VolumeView>, PageError> {
    use crate::ssr::context;
    let use_cases = context::use_cases()?;
    let seen = use_cases.newest_event().await?;
    Ok(Dated::since(seen, use_cases.volume(&context::actor()?, volume).await?))
}

/// A folder of a volume.
#[server(prefix = "/fn", endpoint = "load_volume_files")]
pub async fn load_volume_files(
    volume: VolumeId,
    #[server(default)] path: String,
) -> Result<Dated<FilesData>, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let folder = use_cases.volume_folder(&actor, volume, &path).await?;
    Ok(Dated::new(FilesData { volume: use_cases.volume(&actor, volume).await?, folder }))
}

/// Removes a file or a folder of a volume.
#[server(prefix = "/fn", endpoint = "delete_volume_file")]
pub async fn delete_volume_file(volume: VolumeId, path: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use leptos_router::location::Url;
    context::use_cases()?.delete_volume_file(&context::actor()?, volume, &path).await?;
    let folder = path.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
    context::back_to(&format!("/volumes/{volume}/files?path={}", Url::escape(folder)));
    Ok(())
}

/// What is in the person's trash.
#[server(prefix = "/fn", endpoint = "load_trash")]
pub async fn load_trash() -> Result<Dated<TrashData>, PageError> {
    use crate::ssr::context;
    use aerie_domain::views::PageQuery;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let volumes = use_cases.trash(&actor).await?;
    let applications = use_cases.applications(&actor, &PageQuery { after: None, limit: None }).await?.items;
    Ok(Dated::new(TrashData { volumes, applications }))
}

/// What was typed into a field that may be left empty.
#[cfg(feature = "ssr")]
fn whole_number(field: &str, text: &str) -> Result<Option<i64>, PageError> {
    let text = text.trim();
    let number = Some(text).filter(|text| !text.is_empty()).map(str::parse).transpose();
    number.map_err(|_| aerie_domain::Problem::field(field, "must be a whole number").into())
}

/// Makes a volume.
#[server(prefix = "/fn", endpoint = "create_volume")]
pub async fn create_volume(
    application: ApplicationId,
    name: String,
    #[server(default)] note: String,
    #[server(default)] kept_by: String,
    #[server(default)] quota_mib: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::{Problem, views};
    let keep = |error: PageError| error.keeping("name", &name).keeping("note", &note).keeping("quota_mib", &quota_mib);
    let keeper = Some(kept_by.trim()).filter(|text| !text.is_empty()).map(str::parse).transpose();
    let keeper = keeper.map_err(|_| keep(Problem::field("kept_by", "must be a service").into()))?;
    let form = views::CreateVolume {
        name: name.trim().to_owned(),
        note: note.clone(),
        warn_mib: None,
        kept_by: keeper,
        quota_mib: whole_number("quota_mib", &quota_mib).map_err(keep)?,
    };
    context::use_cases()?
        .create_volume(&context::actor()?, application, form)
        .await
        .map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/applications/{application}#volumes"));
    Ok(())
}

/// Gives a volume another name, note or limit.
#[server(prefix = "/fn", endpoint = "change_volume")]
pub async fn change_volume(
    volume: VolumeId,
    name: String,
    #[server(default)] note: String,
    #[server(default)] warn_mib: String,
    #[server(default)] quota_mib: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let keep = |error: PageError| {
        let kept = error.keeping("name", &name).keeping("note", &note);
        kept.keeping("warn_mib", &warn_mib).keeping("quota_mib", &quota_mib)
    };
    let form = views::ChangeVolume {
        name: Some(name.clone()),
        note: Some(note.clone()),
        warn_mib: whole_number("warn_mib", &warn_mib).map_err(keep)?,
        quota_mib: whole_number("quota_mib", &quota_mib).map_err(keep)?,
    };
    context::use_cases()?
        .change_volume(&context::actor()?, volume, form)
        .await
        .map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/volumes/{volume}"));
    Ok(())
}

/// Makes a copy of a volume.
#[server(prefix = "/fn", endpoint = "snapshot_volume")]
pub async fn snapshot_volume(volume: VolumeId, name: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let form = views::SnapshotVolume { name: name.trim().to_owned() };
    let made = context::use_cases()?
        .snapshot_volume(&context::actor()?, volume, form)
        .await
        .map_err(|failure| PageError::from(failure).keeping("name", &name))?;
    context::see_other(&format!("/volumes/{}", made.id));
    Ok(())
}

/// Moves a volume to the trash.
#[server(prefix = "/fn", endpoint = "delete_volume")]
pub async fn delete_volume(volume: VolumeId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.delete_volume(&context::actor()?, volume).await?;
    context::see_other("/trash");
    Ok(())
}

/// Takes a volume out of the trash.
#[server(prefix = "/fn", endpoint = "restore_volume")]
pub async fn restore_volume(volume: VolumeId, application: ApplicationId) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let form = views::RestoreVolume { application_id: Some(application) };
    context::use_cases()?.restore_volume(&context::actor()?, volume, form).await?;
    context::see_other(&format!("/volumes/{volume}"));
    Ok(())
}

/// Gives a volume to a service, or takes it away: the state of a box.
#[server(prefix = "/fn", endpoint = "set_volume")]
pub async fn set_volume(
    service: ServiceId,
    volume: VolumeId,
    #[server(default)] attached: Option<String>,
    #[server(default)] path: String,
    #[server(default)] read_only: Option<String>,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    if attached.is_some() {
        let form = views::AttachVolume { path: Some(path.clone()), read_only: read_only.is_some() };
        use_cases
            .attach_volume(&actor, service, volume, form)
            .await
            .map_err(|failure| PageError::from(failure).keeping("path", &path))?;
    } else {
        use_cases.detach_volume(&actor, service, volume).await?;
    }
    context::back_to(&format!("/services/{service}#volumes"));
    Ok(())
}
