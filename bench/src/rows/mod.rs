//! The rows of the table, in its order.

mod activate;
mod class;
mod dashboard;
mod images;
mod java;
mod keyvalue;
mod logs;
mod many;
mod mysql;
mod page;
mod scale;
mod search;
mod start;

use crate::{figures::Line, school::School};
use anyhow::Result;

/// Names of the rows.
pub const ROWS: [&str; 14] = [
    "start",
    "scale",
    "activate",
    "page",
    "java",
    "mysql",
    "keyvalue",
    "logs",
    "search",
    "idle",
    "dashboard",
    "class",
    "many",
    "images",
];

/// Measures one.
pub async fn measure(name: &str, school: &mut School) -> Result<Vec<Line>> {
    match name {
        "start" => start::measure(school.real().await?).await,
        "scale" => scale::measure(school.real().await?).await,
        "activate" => activate::measure(school.real().await?).await,
        "page" => page::measure(school.real().await?).await,
        "java" => java::measure(school.real().await?).await,
        "mysql" => mysql::measure(school.real().await?).await,
        "keyvalue" => keyvalue::measure(school.real().await?).await,
        "logs" => logs::measure(school.real().await?).await,
        "search" => search::measure(school.real().await?).await,
        "idle" => dashboard::measure_idle().await,
        "dashboard" => dashboard::measure_page().await,
        "class" => class::measure().await,
        "images" => images::measure().await,
        _ => many::measure().await,
    }
}
