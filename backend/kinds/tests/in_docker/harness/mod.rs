//! What every kind's test is made of: containers, an agent's work reduced to what matters here, a service behind an
//! entry, visitors that forgive nothing, and pages of `docs/` that are followed step by step.

pub mod docker;
pub mod http;
pub mod instance;
pub mod site;
pub mod walkthrough;
