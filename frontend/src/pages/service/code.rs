//! Code versions: upload, look, activate, remove.

use super::{ServicePageData, part};
use crate::{
    components::{
        Ago, Confirm, CopyField, FileField, FileForm, ProblemBox, TextArea, UploadForm, error_of, upload_error,
    },
    format,
    live::refresh_after,
    server::{ActivateVersion, DeleteVersion},
};
use aerie_domain::{ServiceId, views::CodeVersionView};
use leptos::{form::ActionForm, prelude::*};
use time::OffsetDateTime;

/// The upload form and the table of versions.
#[component]
pub fn Code(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let activate = ServerAction::<ActivateVersion>::new();
    let delete = ServerAction::<DeleteVersion>::new();
    refresh_after(activate, page.refresh);
    refresh_after(delete, page.refresh);
    let versions = part(page, |service| service.versions.clone());
    let warning = move || versions.with(|versions| versions.iter().find(|version| version.active).and_then(complaint));
    let rows = move || {
        let now = page.value.with_untracked(|page| page.now);
        let row = |version| view! { <Row version id now activate delete /> };
        versions.get().into_iter().map(row).collect::<Vec<_>>()
    };
    view! {
        <section class="card" id="code">
            <h2>"Code"</h2>
            {move || warning().map(|output| view! { <CheckWarning output /> })}
            <ProblemBox error=error_of(activate) />
            <ProblemBox error=error_of(delete) />
            <table class="stack versions">
                <thead>
                    <tr>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Uploaded"</th>
                        <th scope="col">"Size"</th>
                        <th scope="col">"Note"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">
                            <span class="hidden">"More"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <Upload page id />
            <Push page />
        </section>
    }
}

/// The form for a new version.
#[component]
fn Upload(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let form = UploadForm::Version(id);
    let error = upload_error(form);
    view! {
        <h3>"Upload a new version"</h3>
        <FileForm form error done=page.refresh>
            // The note comes first: the server reads the parts in their order, and the file may be long.
            <TextArea name="note" label="Note (optional)" rows=2 max_length=200 />
            <FileField
                id="field-file"
                label="Archive"
                accept=".zip,.tar,.gz,.tgz,.bz2,.xz,.zst,.war"
                hint=".zip, .war, .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst of your code"
                error
            />
        </FileForm>
    }
}

/// How to do the same with git.
#[component]
fn Push(page: ServicePageData) -> impl IntoView {
    let address = Memo::new(move |_| page.value.with(|page| page.data.git.clone()));
    let line = |address: String| {
        let label = "Or push a branch with git; the password is an API token";
        view! { <CopyField label value=format!("git push {address} main") /> }
    };
    move || address.get().map(line)
}

/// What the check of a version complained about.
fn complaint(version: &CodeVersionView) -> Option<String> {
    version.check.as_ref().filter(|check| !check.ok).map(|check| check.output.clone())
}

#[component]
fn CheckWarning(output: String) -> impl IntoView {
    view! {
        <div class="warning" role="alert">
            <p>
                <strong>"The active version has mistakes."</strong>
                " Correct them and upload again, or activate an earlier version in the meantime."
            </p>
            <pre>{output}</pre>
        </div>
    }
}

#[component]
fn Row(
    version: CodeVersionView,
    id: ServiceId,
    now: OffsetDateTime,
    activate: ServerAction<ActivateVersion>,
    delete: ServerAction<DeleteVersion>,
) -> impl IntoView {
    let digest: String = version.digest.chars().take(12).collect();
    let by = (!version.uploaded_by.is_empty()).then(|| format!(" by {}", version.uploaded_by));
    let size = u64::try_from(version.size_bytes).unwrap_or_default();
    let files = u64::try_from(version.files).unwrap_or_default();
    let download = format!("/api/v1/services/{id}/versions/{}/file", version.id);
    let failed = complaint(&version).is_some();
    view! {
        <tr class:active=version.active>
            <td data-label="Version" class="wrap">
                <strong>{format!("{} ", version.number)}</strong>
                {version.name.clone()}
                <br />
                <code class="muted" title=version.digest.clone()>
                    {digest}
                </code>
            </td>
            <td data-label="Uploaded">
                <Ago at=version.uploaded_at now />
                {by}
            </td>
            <td data-label="Size">{format!("{}, {}", format::bytes(size), format::count(files, "file"))}</td>
            <td data-label="Note" class="wrap">
                {version.note.clone()}
            </td>
            <td data-label="State">
                <Marks active=version.active serving=version.serving failed />
                {(!version.active)
                    .then(|| {
                        view! {
                            <ActionForm action=activate>
                                <input type="hidden" name="service" value=id.to_string() />
                                <input type="hidden" name="version" value=version.id.to_string() />
                                <button type="submit">"Activate"</button>
                            </ActionForm>
                        }
                    })}
            </td>
            <td class="row-actions">
                <a href=download rel="external" download="">
                    "Download"
                </a>
                {(!version.active && !version.serving)
                    .then(|| {
                        view! {
                            <Confirm label="Delete…" warning="The version's files are removed." class="button quiet">
                                <ActionForm action=delete>
                                    <input type="hidden" name="service" value=id.to_string() />
                                    <input type="hidden" name="version" value=version.id.to_string() />
                                    <button class="danger" type="submit">
                                        "Delete version"
                                    </button>
                                </ActionForm>
                            </Confirm>
                        }
                    })}
            </td>
        </tr>
    }
}

#[component]
fn Marks(active: bool, serving: bool, failed: bool) -> impl IntoView {
    let mark = |class: &'static str, text: &'static str, title: &'static str| {
        view! {
            <span class=format!("mark mark-{class}") title=title>
                {text}
            </span>
        }
    };
    view! {
        {active.then(|| mark("active", "active", "the version that should be served"))}
        {serving.then(|| mark("serving", "serving", "the version that visitors get now"))}
        {failed.then(|| mark("failed", "mistakes", "the check found mistakes in it"))}
    }
}
