//! The main job in a real browser, from registration to deletion, with scripts and without.

use aerie_tests::{Browser, Installation, Sample, Scripts};
use anyhow::{Context, Result, ensure};
use std::{path::Path, time::Duration};

const SOON: Duration = Duration::from_secs(20);
const STARTED: Duration = Duration::from_secs(180);
const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn the_main_job_in_the_browser() -> Result<()> {
    let home = Installation::start("browser").await?;
    let browser = Browser::open(&home.url(), Scripts::On).await?;
    let outcome = journey(&browser, "ada").await;
    explain(&browser, &home, outcome).await?;
    browser.close().await
}

#[tokio::test]
async fn the_main_job_in_the_browser_without_scripts() -> Result<()> {
    let home = Installation::start("noscript").await?;
    let browser = Browser::open(&home.url(), Scripts::Off).await?;
    let outcome = journey(&browser, "bea").await;
    explain(&browser, &home, outcome).await?;
    browser.close().await
}

/// Adds the page and the director's log to a failure, and keeps a picture.
async fn explain(browser: &Browser, home: &Installation, outcome: Result<()>) -> Result<()> {
    let Err(error) = outcome else { return Ok(()) };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test");
    std::fs::create_dir_all(&folder).ok();
    let picture = folder.join("failed-journey.png");
    tokio::time::timeout(SOON, browser.picture(&picture)).await.ok();
    home.keep_evidence();
    let (url, text) = (browser.url().await.unwrap_or_default(), browser.text().await.unwrap_or_default());
    Err(error.context(format!("at {url}:\n{text}\n\ndirector:\n{}", home.director_log())))
}

async fn journey(browser: &Browser, person: &str) -> Result<()> {
    register_and_come_back(browser, person).await?;
    let service = compose(browser).await?;
    browser.click(".actions form:not(.hidden) button.primary").await.context("start")?;
    browser.see("RUNNING", STARTED).await?;
    let chips = browser.find(".instance:not(.auxiliary)").await?.text().await?;
    ensure!(["PROXY", "WEB", "PHP"].iter().all(|role| chips.contains(role)), "one packed instance: {chips}");

    let address = browser.find(".public-address a").await?.attr("href").await?.context("public address")?;
    browser.go(&address).await?;
    browser.see("Welcome", SOON).await?;

    upload_and_activate(browser, &service, &address).await?;

    browser.go(&service).await?;
    browser.fill("#scale-php", "+2").await?;
    browser.click("#scale button.primary").await?;
    browser.see("3 serving", STARTED).await?;
    browser.see("RUNNING", STARTED).await?;
    browser.go(&address).await?;
    browser.see("guest book one", SOON).await?;
    let shown = browser.text().await?;
    ensure!(!shown.contains("visits=1 "), "the visitor is still known after scaling: {shown}");

    browser.go(&service).await?;
    browser.fill("#setting-memory_limit", "9999").await?;
    browser.click("#settings button[type=submit]").await?;
    browser.see("ust be between", SOON).await.context("a setting out of range is explained")?;

    browser.go(&service).await?;
    browser.see("Creating instance", SOON).await.context("the log shows the manager's steps")?;

    browser.click(".actions > form:not(.hidden) button").await.context("stop")?;
    browser.see("STOPPED", STARTED).await?;
    browser.click(".actions > details.confirm:last-of-type summary").await?;
    browser.click(".actions > details.confirm[open] button.danger").await.context("delete")?;
    browser.see("No services yet", STARTED).await?;
    log_out(browser).await
}

async fn register_and_come_back(browser: &Browser, person: &str) -> Result<()> {
    browser.go("/register").await?;
    browser.fill("#field-user_name", "1st").await?;
    browser.fill("#field-email", &format!("{person}@example.org")).await?;
    browser.fill("#field-password", PASSWORD).await?;
    browser.fill("#field-password_again", PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("ust start with a letter", SOON).await.context("a bad name is explained")?;

    browser.fill("#field-user_name", person).await?;
    browser.fill("#field-password", PASSWORD).await?;
    browser.fill("#field-password_again", PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("50 credits", SOON).await.context("a new person has credit")?;
    browser.settle().await?;
    log_out(browser).await?;

    browser.go("/login").await?;
    browser.fill("#field-user_name", person).await?;
    browser.fill("#field-password", "not the right one").await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("do not belong together", SOON).await?;
    browser.fill("#field-user_name", person).await?;
    browser.fill("#field-password", PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("50 credits", SOON).await
}

/// Makes an application with a PHP service and gives the address of the service's page.
async fn compose(browser: &Browser) -> Result<String> {
    browser.go("/applications").await?;
    browser.fill("#new input[name=name]", "blog").await?;
    browser.click("#new button[type=submit]").await?;
    browser.click("a[href$='/new-service']").await.context("add a service")?;
    browser.settle().await?;
    browser.see("PHP", SOON).await?;
    browser.click("input[name=kind][value=php]").await?;
    browser.click("main form button.primary").await.context("create service")?;
    browser.see("INIT", SOON).await?;
    browser.settle().await?;
    let url = browser.url().await?;
    ensure!(url.contains("/services/"), "on the service's page: {url}");
    Ok(url)
}

async fn upload_and_activate(browser: &Browser, service: &str, address: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("guest-book.tar.gz");
    std::fs::write(&archive, Sample::guest_book("one").tar_gz()?)?;
    browser.go(service).await?;
    browser.find("#field-file").await?.send_keys(&archive.display().to_string()).await?;
    browser.fill("form.upload [name=note]", "my first").await?;
    browser.click("form.upload button[type=submit]").await?;
    browser.see("my first", SOON).await.context("the version is listed")?;
    browser.click("table.versions tr:not(.active) form button").await.context("activate")?;
    aerie_tests::until("the version to be active", SOON, || async {
        let row = browser.find("table.versions tr.active").await.map_err(|error| error.to_string())?;
        let text = row.text().await.map_err(|error| error.to_string())?;
        if text.contains("my first") { Ok(()) } else { Err(text) }
    })
    .await?;
    let served = async {
        browser.go(address).await?;
        browser.see("guest book one half=one visits=1", Duration::from_secs(2)).await
    };
    if served.await.is_err() {
        tokio::time::sleep(Duration::from_secs(3)).await;
        browser.go(address).await?;
        browser.see("guest book one half=one visits=1", SOON).await?;
    }
    Ok(())
}

async fn log_out(browser: &Browser) -> Result<()> {
    browser.click(".user-menu summary").await?;
    browser.click(".user-menu form button").await?;
    browser.see("Log in", SOON).await
}
