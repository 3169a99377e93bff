//! What is on a volume, folder by folder.

use super::id_in_path;
use crate::{
    components::{Ago, Confirm, FileField, FileForm, Loading, ProblemBox, Refused, UploadForm, error_of, upload_error},
    format,
    live::{PageData, refresh_after},
    server::{Dated, DeleteVolumeFile, FilesData, load_volume_files},
};
use aerie_domain::{
    VolumeId, VolumePath,
    views::{VolumeEntryKind, VolumeEntryView, VolumeFolderView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, location::Url};
use time::OffsetDateTime;

/// The page.
#[component]
pub fn VolumeFilesPage() -> impl IntoView {
    let id = id_in_path::<VolumeId>("volume");
    let query = use_query_map();
    let path = Memo::new(move |_| query.with(|query| query.get("path").unwrap_or_default()));
    let first = Resource::new(move || (id.get(), path.get()), async |(id, path)| load_volume_files(id?, path).await);
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Files first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Files(first: Dated<FilesData>) -> impl IntoView {
    let volume = first.data.volume.clone();
    let (id, path) = (volume.id, first.data.folder.path.clone());
    let asked = path.to_string();
    let page = PageData::new(first, move || load_volume_files(id, asked.clone()));
    let delete = ServerAction::<DeleteVolumeFile>::new();
    refresh_after(delete, page.refresh);
    let form = UploadForm::File(id);
    let error = upload_error(form);
    let application = volume.application_id.map(|application| {
        view! { <a href=format!("/applications/{application}")>{volume.application.clone()}</a> }
    });
    let title = if path.is_top() { volume.name.clone() } else { path.name().to_owned() };
    view! {
        <Title text=title.clone() />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
            {application}
            <a href=format!("/volumes/{id}")>{volume.name.clone()}</a>
            {(!path.is_top()).then(|| view! { <a href=format!("/volumes/{id}/files")>"Files"</a> })}
            {above(id, &path)}
        </nav>
        <h1>{title}</h1>
        <section class="card">
            <ProblemBox error=error_of(delete) />
            {move || page.value.with(|page| listing(id, &page.data.folder, page.now, delete))}
        </section>
        <section class="card" id="upload">
            <h2>"Upload a file"</h2>
            <FileForm form error done=page.refresh>
                // Before the file: the server reads the parts in their order.
                <input type="hidden" name="folder" value=path.to_string() />
                <FileField
                    id="field-file"
                    label="File"
                    accept=""
                    hint="At most 1 GB. One of the same name is replaced."
                    error
                />
            </FileForm>
        </section>
    }
}

/// Links to the folders on the way, without the last one.
fn above(id: VolumeId, path: &VolumePath) -> Vec<impl IntoView + use<>> {
    let steps = path.parent().map(|parent| parent.steps()).unwrap_or_default();
    steps.iter().map(|step| view! { <a href=folder_address(id, step)>{step.name().to_owned()}</a> }).collect()
}

fn listing(
    id: VolumeId,
    folder: &VolumeFolderView,
    now: OffsetDateTime,
    delete: ServerAction<DeleteVolumeFile>,
) -> impl IntoView + use<> {
    let empty = folder.entries.is_empty();
    let truncated = folder.truncated.then(|| {
        let text = format!("There is more in this folder than the {} that are listed.", folder.entries.len());
        view! { <p class="notice">{text}</p> }
    });
    let rows: Vec<_> = folder.entries.iter().map(|entry| row(id, folder, entry, now, delete)).collect();
    view! {
        {empty.then(|| view! { <p class="empty">"Nothing is in this folder."</p> })}
        <table class="stack" class:hidden=empty>
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Size"</th>
                    <th scope="col">"Changed"</th>
                    <th scope="col">
                        <span class="hidden">"More"</span>
                    </th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {truncated}
    }
}

fn row(
    id: VolumeId,
    folder: &VolumeFolderView,
    entry: &VolumeEntryView,
    now: OffsetDateTime,
    delete: ServerAction<DeleteVolumeFile>,
) -> impl IntoView + use<> {
    // A name that cannot be asked for is shown, and that is all.
    let path = folder.path.child(&entry.name).ok();
    let address = path.as_ref().and_then(|path| match entry.kind {
        VolumeEntryKind::Folder => Some(folder_address(id, path)),
        VolumeEntryKind::File => Some(format!("/api/v1/volumes/{id}/content?path={}", Url::escape(path.as_str()))),
        VolumeEntryKind::Other => None,
    });
    let is_folder = entry.kind == VolumeEntryKind::Folder;
    let label = if is_folder { format!("{}/", entry.name) } else { entry.name.clone() };
    let name = match address {
        Some(href) if is_folder => view! { <a href=href>{label}</a> }.into_any(),
        // not a page of ours: the router must leave it to the browser
        Some(href) => view! { <a href=href rel="external" download="">{label}</a> }.into_any(),
        None => view! { <span>{label}</span> }.into_any(),
    };
    let size = if entry.kind == VolumeEntryKind::File { format::bytes(entry.size_bytes) } else { String::new() };
    let warning = if is_folder { "It goes with all that is in it, for good." } else { "It goes for good." };
    let remove = path.map(|path| {
        view! {
            <Confirm label="Delete…" warning class="button quiet">
                <ActionForm action=delete>
                    <input type="hidden" name="volume" value=id.to_string() />
                    <input type="hidden" name="path" value=path.to_string() />
                    <button class="danger" type="submit">
                        {format!("Delete {}", path.name())}
                    </button>
                </ActionForm>
            </Confirm>
        }
    });
    view! {
        <tr>
            <td data-label="Name" class="wrap">
                {name}
            </td>
            <td data-label="Size">{size}</td>
            <td data-label="Changed">
                <Ago at=entry.modified_at now />
            </td>
            <td class="row-actions">{remove}</td>
        </tr>
    }
}

fn folder_address(id: VolumeId, path: &VolumePath) -> String {
    format!("/volumes/{id}/files?path={}", Url::escape(path.as_str()))
}
