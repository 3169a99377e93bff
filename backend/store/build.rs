//! The migrations and the query data are compiled into the crate: new files must lead to a new build.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
    println!("cargo::rerun-if-changed=../../.sqlx");
}
