//! What the pages for users tell to ask of an installation, asked: of every kind of service, and of volumes.

use aerie_tests::{Api, HowTo, Installation};
use anyhow::{Result, ensure};
use std::{fs, path::Path};

/// Pages outside of `docs/kinds` that ask something.
const MORE: &[&str] = &["volumes"];

/// The page of each kind, and those besides.
fn pages() -> Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds");
    let mut pages: Vec<String> = MORE.iter().map(|page| (*page).to_owned()).collect();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // What all others begin with is no page of a kind.
        if let Some(kind) = name.strip_suffix(".md").filter(|name| *name != "README") {
            pages.push(format!("kinds/{kind}"));
        }
    }
    pages.sort();
    Ok(pages)
}

/// Follows pages one after the other: each makes an application and removes it in the end.
async fn follow(pages: &[String], home: &Installation, user: &Api) -> Result<()> {
    for page in pages {
        HowTo::walk(page, home, user).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_pages_tell_users_to_do_works_as_it_stands_there() -> Result<()> {
    let pages = pages()?;
    ensure!(pages.iter().any(|page| page == "kinds/php"), "{pages:?}");
    let home = Installation::start("walkthroughs").await?;
    let ada = home.api().register("ada").await?;
    // Two at a time: most of what they do is waiting.
    let (some, others) = pages.split_at(pages.len() / 2);
    tokio::try_join!(follow(some, &home, &ada), follow(others, &home, &ada))?;
    Ok(())
}
