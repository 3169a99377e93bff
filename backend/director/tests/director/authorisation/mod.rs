//! Who may do what: every REST route, server function, page, form and stream × everybody who could ask.
//!
//! The table of what is expected is in [`table`]; what a kind of person may expect is in [`people`]. A route that is not
//! in the table fails the test with the line to add, and so does a line whose route is gone.

mod complete;
mod people;
mod streams;
mod table;
mod walk;
mod world;
