//! The REST API. To add an endpoint: a file in the resource's folder, its `mod` line, and a line in
//! [`router`](super::router).

pub mod answers;
pub mod v1;
