//! Where agents call: TLS with client certificates of our own authority, a websocket for messages, code, and what goes in and
//! out of tasks.
//!
//! What lives here: the listener, one task per connection, and nothing about what a configuration says. It reads and
//! writes the instance's row and is woken by signals; the manager may live in another director process.
//! To extend: a new message is a variant in the protocol crate and an arm in [`conversation`].

mod code;
mod connections;
mod conversation;
mod doors;
mod listener;
mod signs_of_life;
mod tasks;

pub use doors::Doors;
pub use listener::{AgentParts, acceptor, routes, serve};
pub use signs_of_life::SignsOfLife;

/// Largest frame that is read or sent. Larger: more memory per connection; smaller: configurations of big services fail.
const MAX_FRAME_BYTES: usize = 1024 * 1024;
