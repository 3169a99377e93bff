//! The pages: rendered on the server, hydrated in the browser, and usable before and without scripts.
//!
//! Called by the director (feature `ssr`: [`App`], [`shell`], the server functions) and by `aerie-hydrate` (feature
//! `hydrate`: [`App`]). Calls the use cases through server functions only; the browser learns of changes through
//! `/api/v1/events` and reads logs from `/api/v1/services/{id}/logs/stream`.
//! To extend: a page is a module in `pages`, what it asks the server for is a function in `server`, and what several
//! pages show alike is a component in `components`.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "tests fail loudly"))]
#![expect(clippy::needless_pass_by_value, reason = "properties of components are owned by the component")]
// Each component and server function is one type more; their futures nest deeply.
#![recursion_limit = "512"]

mod app;
mod chart;
mod components;
mod estimate;
mod format;
mod live;
mod page_error;
mod pages;
mod picture;
mod scale_input;
mod server;
#[cfg(feature = "ssr")]
mod ssr;

pub use app::App;
#[cfg(feature = "ssr")]
pub use components::UploadForm;
pub use page_error::PageError;
#[cfg(feature = "ssr")]
pub use ssr::shell::shell;
#[cfg(feature = "ssr")]
pub use ssr::{Assets, DirectorUrl, SessionControl, SessionFuture, upload_error_location};
