//! Credit to its end and back, with real containers: a person runs out, services stop, the page says why, an
//! administrator grants, and it starts again.

use aerie_domain::{
    CreditLevel, ProblemCode, ServiceState,
    views::{AdminUserView, AuditView, CreditsView, LedgerEntryView, Page},
};
use aerie_tests::{Browser, Installation, Scripts, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn who_runs_out_is_stopped_told_why_and_goes_on_after_a_grant() -> Result<()> {
    // Booked every two seconds instead of every minute: nobody wants to wait for the end of a minute here.
    let home = Installation::start_with("credits", &[("AERIE_CHARGE_SECONDS", "2")]).await?;
    let ada = home.api().register("ada").await?;
    let admin = home.admin().await?;
    let found: Page<AdminUserView> = admin.json(Method::GET, "/admin/users?text=ada", None).await?;
    let person = found.items.first().context("ada is found")?.user.id;
    let grants = format!("/admin/users/{person}/grants");
    ada.refused(Method::POST, &grants, Some(json!({ "amount": 1000, "reason": "mine" }))).await?;

    // Eight thousandths of a credit: one instance for 29 seconds.
    let id = ada.application_with("blog", "php").await?.summary.id;
    let path = |end: &str| format!("/services/{id}{end}");
    let back = json!({ "amount": -49_992, "reason": "shown in class" });
    let left: AdminUserView = admin.json(Method::POST, &grants, Some(back)).await?;
    ensure!(left.credit.balance.millis == 8, "{:?}", left.credit);
    ada.accepted(Method::POST, &path("/start"), None).await?;
    ada.wait_state(id, ServiceState::Running).await?;
    let running: CreditsView = ada.json(Method::GET, "/me/credits", None).await?;
    ensure!(running.credit.per_hour.millis == 1000, "one instance is charged: {:?}", running.credit);
    ensure!(running.credit.runs_out_at.is_some() || running.credit.level == CreditLevel::UsedUp, "{running:?}");

    let stopped = ada.wait_state(id, ServiceState::Stopped).await?;
    ensure!(stopped.summary.reason.contains("credit"), "the page says why: {:?}", stopped.summary.reason);
    ensure!(stopped.versions.len() == 1, "code is kept");
    let refused = ada.refused(Method::POST, &path("/start"), None).await?;
    ensure!(refused.code == ProblemCode::NoCredit, "{refused}");
    let page: Page<LedgerEntryView> = ada.json(Method::GET, "/me/credits/entries", None).await?;
    let charges: Vec<_> = page.items.iter().filter(|entry| entry.instance.is_some()).collect();
    ensure!(charges.len() >= 2 && charges.iter().all(|entry| entry.what == "blog/php"), "{page:?}");
    let spent: i64 = charges.iter().map(|entry| entry.amount.micros).sum();
    let credits: CreditsView = ada.json(Method::GET, "/me/credits", None).await?;
    ensure!(credits.credit.balance.millis == (8000 + spent).div_euclid(1000), "{credits:?} after {spent}");

    let browser = Browser::open(&home.url(), Scripts::Off).await?;
    browser.go("/login").await?;
    browser.fill("#field-user_name", "ada").await?;
    browser.fill("#field-password", aerie_tests::PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("Your credit is used up", Duration::from_secs(20)).await.context("a banner on every page")?;
    browser.go(&path("")).await?;
    browser.see("Stopped because the credit", Duration::from_secs(20)).await.context("the service's page")?;
    browser.close().await?;

    admin.json::<AdminUserView>(Method::POST, &grants, Some(json!({ "amount": 5000, "reason": "sheet 2" }))).await?;
    ada.accepted(Method::POST, &path("/start"), None).await?;
    ada.wait_state(id, ServiceState::Running).await?;
    until("the audit log to tell of both", Duration::from_secs(5), || async {
        let log: Page<AuditView> = admin
            .json(Method::GET, "/admin/audit?action=service.stop", None)
            .await
            .map_err(|error| error.to_string())?;
        let by_platform = log.items.iter().any(|row| row.via == "system" && row.target == "service blog/php");
        if by_platform { Ok(()) } else { Err(format!("{log:?}")) }
    })
    .await
}
