//! What keeps a page up to date in the browser: server-sent events, logs, and the data that they renew.
//!
//! Everything here does its work in effects, which never run on the server; a page without scripts is as complete as
//! the moment it was rendered. Connections belong to the component that opened them and close with it.

mod events;
mod load_feed;
mod local_time;
mod log_buffer;
mod log_feed;
mod page_data;
mod source;

use events::page_visible;
pub use events::{Connection, use_events};
pub use load_feed::use_load_feed;
pub use local_time::local_offset;
pub use log_buffer::{LogBuffer, LogEntry};
pub use log_feed::{LogFeed, LogState, use_log_feed};
pub use page_data::{PageData, leave_when_refused, refresh_after, refresh_every};
