//! `make bench`: measures what `docs/benchmarks.md` shows, both sides of every ratio in one run on one machine.
//!
//! One row of the table is one module in `rows`. `figures` has medians and the table, `client` asks for pages, `by_hand`
//! runs containers without Aerie for the other side. Never part of `make test`: figures depend on the machine.
//! To add a row: a module with `measure`, a line in [`rows::ROWS`].

mod beside;
mod by_hand;
mod client;
mod database;
mod figures;
mod footprint;
mod rows;
mod school;
mod soak;
mod table;

use anyhow::{Result, bail};
use std::{env, time::Instant};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("soak") => soak::run().await,
        Some("rows") | None => measure(&arguments[arguments.len().min(1)..]).await,
        Some(other) => bail!("usage: aerie-bench [rows [NAME…] | soak], not {other}"),
    }
}

async fn measure(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| !rows::ROWS.contains(&name.as_str())) {
        bail!("there is no row {unknown}; rows: {}", rows::ROWS.join(", "));
    }
    let is_wanted = |name: &&&str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == *name);
    let mut failed = Vec::new();
    let mut school = school::School::default();
    for name in rows::ROWS.iter().filter(is_wanted) {
        let started = Instant::now();
        table::say(&format!("{name} …"));
        // A row that cannot be measured must not hide the others.
        match rows::measure(name, &mut school).await {
            Ok(lines) => {
                for line in &lines {
                    table::say(&line.text());
                }
                table::write(&lines)?;
            }
            Err(error) => {
                table::say(&format!("{name} could not be measured: {error:#}"));
                failed.push(*name);
            }
        }
        table::say(&format!("{name} took {:.0} s", started.elapsed().as_secs_f64()));
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}
