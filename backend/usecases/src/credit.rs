//! Credit: what a person has, what they were charged for, and who may grant.

use crate::{Actor, Outcome, UseCases};
use aerie_domain::{
    CreditLevel, Credits, LedgerKind, MicroCredits, Problem, ProblemCode, UserId,
    views::{CreditView, CreditsView, DayUse, LedgerEntryView, Page, PageQuery},
};
use aerie_store::{CreditRow, LedgerEntryRow, Txn};
use async_recursion::async_recursion as boxed;
use time::{Duration, OffsetDateTime};

/// Days in the summary. Larger: a longer page and a slower query.
const SUMMARY: Duration = Duration::days(14);

impl UseCases {
    /// The actor's credit, and where it went lately.
    #[boxed]
    pub async fn credits(&self, actor: &Actor) -> Outcome<CreditsView> {
        let credit = self.credit(actor.user).await?;
        let since = OffsetDateTime::now_utc().replace_time(time::Time::MIDNIGHT) - SUMMARY + Duration::DAY;
        let days = self.store().ledger_days(actor.user, since).await?;
        let days = days.into_iter().map(|row| DayUse {
            day: row.day.to_string(),
            service_id: row.service_id,
            service: row.label,
            amount: MicroCredits::from_micros(row.micros),
        });
        Ok(CreditsView { credit, days: days.collect() })
    }

    /// Every movement of the actor's credit, newest first.
    #[boxed]
    pub async fn credit_entries(&self, actor: &Actor, page: &PageQuery) -> Outcome<Page<LedgerEntryView>> {
        self.ledger_page(actor.user, page).await
    }

    pub(crate) async fn ledger_page(&self, user: UserId, page: &PageQuery) -> Outcome<Page<LedgerEntryView>> {
        let before = row_number(page.after.as_deref())?;
        let limit = page.limit() as usize;
        let rows = self.store().ledger_entries(user, before, i64::from(page.limit()) + 1).await?;
        let more = rows.len() > limit;
        let items: Vec<LedgerEntryView> = rows.into_iter().take(limit).map(entry).collect();
        let next = if more { items.last().map(|item| item.id.to_string()) } else { None };
        Ok(Page { items, next })
    }

    pub(crate) async fn credit(&self, user: UserId) -> Outcome<CreditView> {
        Ok(view(&self.store().user_credit(user).await?, OffsetDateTime::now_utc()))
    }
}

/// Refuses what costs more when nothing is left. `what` begins a sentence: "Starting this service".
pub(crate) async fn require_credit(txn: &mut Txn<'_>, owner: UserId, what: &str) -> Outcome<()> {
    if txn.user_credit(owner).await?.balance_micros > 0 {
        return Ok(());
    }
    let detail = format!(
        "{what} needs credit, and yours is used up. Ask your teacher for more. Nothing is lost: code, settings and data of \
         stopped services are kept."
    );
    Err(Problem::new(ProblemCode::NoCredit, detail).into())
}

/// A place in a list that is numbered by rows.
pub(crate) fn row_number(after: Option<&str>) -> Outcome<Option<i64>> {
    let number = after.map(str::parse).transpose();
    number.map_err(|_| Problem::field("after", "must be the next of an earlier page").into())
}

/// Credit as people see it. `now` is when `row` was true.
pub(crate) fn view(row: &CreditRow, now: OffsetDateTime) -> CreditView {
    let balance = MicroCredits::from_micros(row.balance_micros).rounded_down();
    CreditView {
        balance,
        per_hour: Credits::from_millis(row.per_hour_millis),
        allowance: MicroCredits::from_micros(row.allowance_micros).rounded_down(),
        used_percent: used_percent(row),
        level: row.level,
        runs_out_at: runs_out_at(row, now),
    }
}

fn used_percent(row: &CreditRow) -> u32 {
    let (balance, allowance) = (i128::from(row.balance_micros), i128::from(row.allowance_micros));
    if row.level == CreditLevel::UsedUp {
        return 100;
    }
    // Rounded down: "100 %" is only said when nothing is left.
    let used = (allowance - balance).max(0) * 100 / allowance.max(1);
    u32::try_from(used).unwrap_or(100).min(100)
}

fn runs_out_at(row: &CreditRow, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if row.balance_micros <= 0 || row.per_hour_millis <= 0 {
        return None;
    }
    // micros / (thousandths per hour × 1000) hours, in seconds.
    let seconds = i128::from(row.balance_micros) * 3600 / (i128::from(row.per_hour_millis) * 1000);
    now.checked_add(Duration::seconds(i64::try_from(seconds).ok()?))
}

fn entry(row: LedgerEntryRow) -> LedgerEntryView {
    let (kind, what) = if row.is_grant {
        (LedgerKind::Grant, row.reason)
    } else {
        (LedgerKind::Charge, row.label.unwrap_or(row.reason))
    };
    LedgerEntryView {
        id: row.id,
        at: row.at,
        kind,
        amount: MicroCredits::from_micros(row.micros),
        what,
        by: row.actor,
        service_id: row.service_id,
        instance: row.instance_id.map(|id| id.short()),
        milliseconds: row.charged_ms.and_then(|ms| u64::try_from(ms).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn row(balance_micros: i64, per_hour_millis: i64, level: CreditLevel) -> CreditRow {
        CreditRow { balance_micros, allowance_micros: 10_000_000, level, per_hour_millis }
    }

    #[test]
    fn the_end_is_reckoned_from_what_runs_now() {
        let now = datetime!(2026-11-21 12:00 UTC);
        let end = |balance, per_hour| runs_out_at(&row(balance, per_hour, CreditLevel::Fine), now);
        assert_eq!(end(3_000_000, 2000), Some(datetime!(2026-11-21 13:30 UTC)));
        assert_eq!((end(3_000_000, 0), end(0, 1000), end(-5, 1000)), (None, None, None));
        assert_eq!(end(i64::MAX, 1), None, "beyond the calendar");
    }

    #[test]
    fn only_nothing_is_a_hundred_per_cent() {
        assert_eq!(used_percent(&row(10_000_000, 0, CreditLevel::Fine)), 0);
        assert_eq!(used_percent(&row(1, 0, CreditLevel::VeryLow)), 99);
        assert_eq!(used_percent(&row(-1, 0, CreditLevel::UsedUp)), 100);
        assert_eq!(used_percent(&row(12_000_000, 0, CreditLevel::Fine)), 0);
    }
}
