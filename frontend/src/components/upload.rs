//! Forms that send a file: plain multipart forms, which scripts make show their progress.

use super::{FieldMessage, ProblemBox};
use crate::PageError;
use aerie_domain::{Problem, ProblemCode, ServiceId, VolumeId};
use leptos::{prelude::*, server::ServerActionError, server_fn::error::ServerFnUrlError};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{FormData, HtmlFormElement, ProgressEvent, SubmitEvent, XmlHttpRequest};

/// What is sent, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadForm {
    /// A version of a service's code.
    Version(ServiceId),
    /// A backup of a service.
    Backup(ServiceId),
    /// A file for a volume.
    File(VolumeId),
}

impl UploadForm {
    /// Names the form in the address by which the error of an upload without scripts comes back.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Version(_) => "upload",
            Self::Backup(_) => "upload_backup",
            Self::File(_) => "upload_file",
        }
    }

    /// The page that it is on.
    #[cfg(feature = "ssr")]
    pub fn page(self) -> String {
        match self {
            Self::Version(service) | Self::Backup(service) => format!("/services/{service}"),
            Self::File(volume) => format!("/volumes/{volume}/files"),
        }
    }

    /// The section of that page, for whoever sends people back there.
    #[cfg(feature = "ssr")]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Version(_) => "code",
            Self::Backup(_) => "backups",
            Self::File(_) => "upload",
        }
    }

    /// Where it is sent.
    fn address(self) -> String {
        match self {
            Self::Version(service) => format!("/services/{service}/upload"),
            Self::Backup(service) => format!("/services/{service}/backups/upload"),
            Self::File(volume) => format!("/volumes/{volume}/upload"),
        }
    }

    const fn checking(self) -> &'static str {
        match self {
            Self::Version(_) => "Checking the archive…",
            Self::Backup(_) => "Keeping the backup…",
            Self::File(_) => "Putting it on the volume…",
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Version(_) => "Uploaded. Activate it when you are ready.",
            Self::Backup(_) => "Uploaded. It is being checked.",
            Self::File(_) => "Uploaded.",
        }
    }
}

/// How an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Idle,
    /// Per cent sent.
    Sending(u32),
    /// All is sent; the archive is being looked through.
    Checking,
    Done,
}

/// What a form's upload was refused for: at first, what an upload without scripts was.
pub fn upload_error(form: UploadForm) -> RwSignal<Option<PageError>> {
    RwSignal::new(error_in_address(form))
}

/// A form that sends a file; its fields are its children.
#[component]
pub fn FileForm(
    form: UploadForm,
    error: RwSignal<Option<PageError>>,
    done: Callback<()>,
    children: Children,
) -> impl IntoView {
    let progress = RwSignal::new(Progress::Idle);
    let submit = move |event: SubmitEvent| send(&event, error, progress, done);
    let busy = move || matches!(progress.get(), Progress::Sending(_) | Progress::Checking);
    view! {
        <ProblemBox error=error.into() fields=&["file"] />
        <form
            class="upload"
            method="post"
            enctype="multipart/form-data"
            action=form.address()
            on:submit=submit
        >
            {children()}
            <button type="submit" prop:disabled=busy>
                "Upload"
            </button>
            <UploadProgress form progress />
        </form>
    }
}

/// The file of a [`FileForm`].
#[component]
pub fn FileField(
    id: &'static str,
    label: &'static str,
    accept: &'static str,
    #[prop(into)] hint: Signal<String>,
    error: RwSignal<Option<PageError>>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input id=id type="file" name="file" required accept=accept />
            <p class="hint">{hint}</p>
            <FieldMessage id name="file" error=error.into() />
        </div>
    }
}

#[component]
fn UploadProgress(form: UploadForm, progress: RwSignal<Progress>) -> impl IntoView {
    let content = move || match progress.get() {
        Progress::Idle => ().into_any(),
        Progress::Sending(percent) => view! {
            <progress max="100" value=percent aria-label="Uploaded"></progress>
            <span>{format!("{percent} %")}</span>
        }
        .into_any(),
        Progress::Checking => view! {
            <progress aria-label="Checking"></progress>
            <span>{form.checking()}</span>
        }
        .into_any(),
        Progress::Done => view! { <span>{form.done()}</span> }.into_any(),
    };
    view! {
        <div class="upload-progress" role="status">
            {content}
        </div>
    }
}

/// The error of an upload without scripts.
fn error_in_address(form: UploadForm) -> Option<PageError> {
    let error = use_context::<ServerActionError>()?;
    (error.path() == form.name()).then(|| ServerFnUrlError::<PageError>::decode_err(error.err()))
}

/// Sends the form by script. When anything is missing for that, the browser sends it by itself.
fn send(event: &SubmitEvent, error: RwSignal<Option<PageError>>, progress: RwSignal<Progress>, done: Callback<()>) {
    let Some(form) = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok()) else { return };
    let (Ok(data), Ok(request)) = (FormData::new_with_form(&form), XmlHttpRequest::new()) else { return };
    // As an attribute: the property is hidden by an input of that name, should there ever be one.
    let Some(address) = form.get_attribute("action") else { return };
    if request.open("POST", &address).is_err() || request.set_request_header("Accept", "application/json").is_err() {
        return;
    }
    event.prevent_default();
    error.set(None);
    progress.set(Progress::Sending(0));
    follow_progress(&request, progress);
    let finished = {
        let request = request.clone();
        move || {
            let failure = failure(&request);
            let state = if failure.is_none() { Progress::Done } else { Progress::Idle };
            _ = progress.try_set(state);
            if failure.is_none() {
                form.reset();
                done.run(());
            }
            _ = error.try_set(failure);
        }
    };
    // `loadend` comes once, however the request ended.
    let finished = Closure::once_into_js(finished);
    request.set_onloadend(Some(finished.unchecked_ref()));
    if request.send_with_opt_form_data(Some(&data)).is_err() {
        progress.set(Progress::Idle);
        error.set(Some(PageError::new(ProblemCode::Unavailable, "The upload could not be sent. Try again.")));
    }
}

fn follow_progress(request: &XmlHttpRequest, progress: RwSignal<Progress>) {
    let Ok(upload) = request.upload() else { return };
    let sent = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
        if event.length_computable() && event.total() > 0.0 {
            let percent = (event.loaded() / event.total() * 100.0).clamp(0.0, 100.0);
            let state = if percent >= 100.0 { Progress::Checking } else { Progress::Sending(whole(percent)) };
            _ = progress.try_set(state);
        }
    });
    upload.set_onprogress(Some(sent.as_ref().unchecked_ref()));
    // The browser keeps it for the length of the request; one closure per upload is left behind.
    sent.forget();
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
fn whole(percent: f64) -> u32 {
    percent as u32
}

/// Why a finished upload was refused.
fn failure(request: &XmlHttpRequest) -> Option<PageError> {
    let status = request.status().unwrap_or_default();
    if (200..300).contains(&status) {
        return None;
    }
    let body = request.response_text().ok().flatten().unwrap_or_default();
    let problem = serde_json::from_str::<Problem>(&body).unwrap_or_else(|_| match status {
        413 => Problem::new(ProblemCode::TooLarge, "The file is larger than this installation accepts."),
        _ => Problem::new(ProblemCode::Unavailable, "The upload did not arrive. Check your connection and try again."),
    });
    Some(problem.into())
}
