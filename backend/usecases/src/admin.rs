//! What administrators may do beyond their own things. Everybody else gets "not found": whether there is such a thing is
//! nobody's business.

mod announcements;
mod applications;
mod audit;
mod health;
mod users;
