//! Pages in the browser hear of changes: of all of them, and without asking for what they know.

use aerie_domain::ServiceId;
use aerie_tests::{Api, Browser, Installation, PASSWORD, Scripts};
use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Longest wait for what takes a moment.
const SOON: Duration = Duration::from_secs(15);

/// Requests for data that the page made by itself.
const ASKED: &str =
    "return performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/fn/')).length";

/// Changes the service at the worst moment: when the page has its data, but no stream of events yet.
fn change_before_the_stream(service: ServiceId) -> String {
    format!(
        r"window.EventSource = class extends EventSource {{
            constructor(address) {{
                if (address.includes('/events')) {{
                    const request = new XMLHttpRequest();
                    request.open('PUT', '/api/v1/services/{service}/settings', false);
                    request.setRequestHeader('Content-Type', 'application/json');
                    request.send(JSON.stringify({{ variables: [{{ name: 'MOOD', value: 'changed in between' }}] }}));
                    window.changed = request.status;
                }}
                super(address);
            }}
        }}"
    )
}

async fn asked(browser: &Browser) -> Result<u32> {
    Ok(browser.driver().execute(ASKED, Vec::new()).await?.convert()?)
}

async fn set(ada: &Api, id: ServiceId, value: &str) -> Result<()> {
    let form = json!({ "variables": [{ "name": "MOOD", "value": value }] });
    ada.accepted(Method::PUT, &format!("/services/{id}/settings"), Some(form)).await.map(drop)
}

#[tokio::test]
async fn a_page_asks_for_nothing_twice_and_misses_nothing() -> Result<()> {
    let home = Installation::start("live-pages").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("blog", "php").await?.summary;
    let page = format!("/services/{}", service.id);
    let browser = Browser::open(&home.url(), Scripts::On).await?;
    browser.go("/login").await?;
    browser.fill("#field-user_name", "ada").await?;
    browser.fill("#field-password", PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("50 credits", SOON).await?;

    // The page came with everything. What comes later is heard of.
    set(&ada, service.id, "as it was before").await?;
    for path in [&page, &format!("/applications/{}", service.application_id), "/applications", "/credits"] {
        browser.go(path).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let asked = asked(&browser).await?;
        ensure!(asked == 0, "{path} asked {asked} times for what it had");
    }
    browser.go(&page).await?;
    browser.see("as it was before", SOON).await?;
    set(&ada, service.id, "heard of").await?;
    browser.see("heard of", SOON).await?;
    ensure!(asked(&browser).await? > 0, "asking is seen here");

    // Nothing falls between the page and its stream.
    browser.before_pages(&change_before_the_stream(service.id)).await?;
    browser.go(&page).await?;
    let status: Value = browser.driver().execute("return window.changed", Vec::new()).await?.convert()?;
    ensure!(status == 202, "the change was accepted: {status}");
    browser.see("changed in between", SOON).await?;
    browser.close().await
}
