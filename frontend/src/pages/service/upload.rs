//! The upload form: a plain multipart form, which scripts make show its progress.

use super::ServicePageData;
use crate::{
    PageError,
    components::{FieldMessage, ProblemBox, TextArea},
};
use aerie_domain::{Problem, ProblemCode, ServiceId};
use leptos::{prelude::*, server::ServerActionError, server_fn::error::ServerFnUrlError};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{FormData, HtmlFormElement, ProgressEvent, SubmitEvent, XmlHttpRequest};

/// Names the form in the address by which the error of an upload without scripts comes back.
pub const UPLOAD_FORM: &str = "upload";

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

/// The form.
#[component]
pub fn Upload(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let error = RwSignal::new(error_in_address());
    let progress = RwSignal::new(Progress::Idle);
    let submit = move |event: SubmitEvent| send(&event, error, progress, page.refresh);
    let busy = move || matches!(progress.get(), Progress::Sending(_) | Progress::Checking);
    view! {
        <h3>"Upload a new version"</h3>
        <ProblemBox error=error.into() fields=&["file"] />
        <form
            class="upload"
            method="post"
            enctype="multipart/form-data"
            action=format!("/services/{id}/upload")
            on:submit=submit
        >
            // The note comes first: the server reads the parts in their order, and the file may be long.
            <TextArea name="note" label="Note (optional)" rows=2 max_length=200 />
            <div class="field">
                <label for="field-file">"Archive"</label>
                <input id="field-file" type="file" name="file" required accept=".zip,.tar,.gz,.tgz,.bz2,.xz,.zst,.war" />
                <p class="hint">".zip, .war, .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst of your code"</p>
                <FieldMessage id="field-file" name="file" error=error.into() />
            </div>
            <button type="submit" prop:disabled=busy>
                "Upload"
            </button>
            <UploadProgress progress />
        </form>
    }
}

#[component]
fn UploadProgress(progress: RwSignal<Progress>) -> impl IntoView {
    let content = move || match progress.get() {
        Progress::Idle => ().into_any(),
        Progress::Sending(percent) => view! {
            <progress max="100" value=percent aria-label="Uploaded"></progress>
            <span>{format!("{percent} %")}</span>
        }
        .into_any(),
        Progress::Checking => view! {
            <progress aria-label="Checking"></progress>
            <span>"Checking the archive…"</span>
        }
        .into_any(),
        Progress::Done => view! { <span>"Uploaded. Activate it when you are ready."</span> }.into_any(),
    };
    view! {
        <div class="upload-progress" role="status">
            {content}
        </div>
    }
}

/// The error of an upload without scripts.
fn error_in_address() -> Option<PageError> {
    let error = use_context::<ServerActionError>()?;
    (error.path() == UPLOAD_FORM).then(|| ServerFnUrlError::<PageError>::decode_err(error.err()))
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
        413 => Problem::new(ProblemCode::TooLarge, "The archive is larger than this installation accepts."),
        _ => Problem::new(ProblemCode::Unavailable, "The upload did not arrive. Check your connection and try again."),
    });
    Some(problem.into())
}
