//! What end-to-end tests are made of: a real installation of their own, a programme that speaks REST, a real browser,
//! a visitor that counts lost requests. Only tests use it; it uses nothing but what users of Aerie have.

mod api;
mod browser;
mod chaos;
mod cluster;
mod containers;
mod copies;
mod form;
mod howto;
mod installation;
mod lab;
mod machine;
mod nodes;
mod samples;
mod shop;
mod small_disk;
mod visitor;
mod wait;
mod writer;

pub use api::{Api, PASSWORD};
pub use browser::{Browser, Scripts};
pub use chaos::{Witness, missing, send};
pub use cluster::Cluster;
pub use copies::Copies;
pub use form::form_fields;
pub use howto::HowTo;
pub use installation::Installation;
pub use lab::Lab;
pub use machine::{Machine, Successor};
pub use samples::{Sample, tar_gz};
pub use shop::Shop;
pub use small_disk::SmallDisk;
pub use visitor::{Visitor, VisitorReport};
pub use wait::until;
pub use writer::{Writer, Written};
