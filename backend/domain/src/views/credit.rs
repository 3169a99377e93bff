//! Credit: what people have, spend and were charged for.

use crate::{CreditLevel, Credits, LedgerKind, MicroCredits, ServiceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What a user has and spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreditView {
    /// What is left, as booked: running instances are booked every minute.
    pub balance: Credits,
    /// What the running instances cost per hour.
    pub per_hour: Credits,
    /// What there was right after the last grant.
    pub allowance: Credits,
    /// How much of that is used, in per cent.
    pub used_percent: u32,
    /// When to worry.
    pub level: CreditLevel,
    /// When nothing is left if everything stays as it is; absent when nothing runs or nothing is left.
    #[serde(with = "time::serde::rfc3339::option")]
    pub runs_out_at: Option<OffsetDateTime>,
}

/// Credit, and where it went lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreditsView {
    /// What there is.
    pub credit: CreditView,
    /// What each service cost on each of the last 14 days, newest day first.
    pub days: Vec<DayUse>,
}

/// What a service cost on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DayUse {
    /// The day (UTC): `2026-11-21`.
    pub day: String,
    /// The service, which may be gone.
    pub service_id: ServiceId,
    /// What it was called: `blog/php`.
    pub service: String,
    /// What it cost.
    pub amount: MicroCredits,
}

/// One line of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerEntryView {
    /// Number; later ones are higher.
    pub id: i64,
    /// When booked.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Grant or charge.
    pub kind: LedgerKind,
    /// Added to the balance; below zero for charges.
    pub amount: MicroCredits,
    /// Why it was granted, or what was charged for (`blog/php`).
    pub what: String,
    /// Who granted it; absent for the platform itself.
    pub by: Option<String>,
    /// The service that was charged for, which may be gone.
    pub service_id: Option<ServiceId>,
    /// The instance that was charged for, by its short name.
    pub instance: Option<String>,
    /// For how long it was charged, milliseconds.
    pub milliseconds: Option<u64>,
}

/// Form for a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// How much, in thousandths of a credit; below zero to take back.
    pub amount: Credits,
    /// Why, for both to read.
    pub reason: String,
}
