//! Logging in and being signed in, with limits per address and per account.

use crate::{Actor, ClientInfo, Outcome, UseCaseSettings, UseCases, Via};
use aerie_domain::{
    Problem, ProblemCode, SessionId, UserId,
    views::{LogIn, SessionView},
};
use aerie_store::NewAudit;
use async_recursion::async_recursion as boxed;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::{num::NonZeroU32, time::Duration};

/// Registrations per address and hour: a class behind one address registers together, a script does not.
const REGISTRATIONS: u32 = 200;

/// Who has just proved to be somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticatedUser {
    /// The user.
    pub user: UserId,
    /// To be kept in the session: it ends when the user's epoch moves on.
    pub auth_epoch: i32,
}

/// Counts wrong passwords per account and per address.
pub(crate) struct Attempts {
    per_account: DefaultKeyedRateLimiter<String>,
    per_address: DefaultKeyedRateLimiter<String>,
    registrations: DefaultKeyedRateLimiter<String>,
}

impl Attempts {
    pub(crate) fn new(settings: &UseCaseSettings) -> Self {
        let attempts = NonZeroU32::new(settings.login_attempts).unwrap_or(NonZeroU32::MIN);
        // A whole class may sit behind one address.
        let from_address = attempts.saturating_mul(NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN));
        Self {
            per_account: RateLimiter::keyed(quota(attempts, Duration::from_mins(15))),
            per_address: RateLimiter::keyed(quota(from_address, Duration::from_mins(15))),
            registrations: RateLimiter::keyed(quota(
                NonZeroU32::new(REGISTRATIONS).unwrap_or(NonZeroU32::MIN),
                Duration::from_hours(1),
            )),
        }
    }

    /// Takes one attempt of the account and the address, or refuses.
    pub(crate) fn check(&self, account: &str, address: &str) -> Outcome<()> {
        let account = account.trim().to_lowercase();
        let free =
            self.per_address.check_key(&address.to_owned()).is_ok() && self.per_account.check_key(&account).is_ok();
        if free { Ok(()) } else { Err(too_many()) }
    }

    /// Takes one more attempt: a failed one weighs double.
    pub(crate) fn failed(&self, account: &str, address: &str) {
        // Over the limit already: the next check refuses either way.
        let _ = self.check(account, address);
    }

    /// Takes one registration of the address, or refuses.
    pub(crate) fn registration(&self, address: &str) -> Outcome<()> {
        if self.registrations.check_key(&address.to_owned()).is_ok() { Ok(()) } else { Err(too_many()) }
    }
}

fn quota(burst: NonZeroU32, within: Duration) -> Quota {
    Quota::with_period(within / burst.get()).unwrap_or_else(|| Quota::per_minute(burst)).allow_burst(burst)
}

fn too_many() -> crate::Failure {
    Problem::new(ProblemCode::TooManyRequests, "Too many attempts. Please wait a few minutes, then try again.").into()
}

impl UseCases {
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.inner.attempts
    }

    pub(crate) fn passwords(&self) -> &crate::passwords::Passwords {
        &self.inner.passwords
    }

    /// Checks user name (or e-mail address) and password. An unknown user and a wrong password take equally long and
    /// get the same answer.
    #[boxed]
    pub async fn check_password(&self, form: LogIn, client: &ClientInfo) -> Outcome<AuthenticatedUser> {
        self.attempts().check(&form.user_name, &client.address)?;
        let row = self.store().user_by_login(form.user_name.trim()).await?;
        let hash = row.as_ref().and_then(|row| row.password_hash.clone());
        let matches = self.passwords().verify(&form.password, hash).await?;
        let (action, outcome) = match row {
            Some(row) if matches && row.disabled_at.is_none() => {
                ("user.login", Ok((row.id, AuthenticatedUser { user: row.id, auth_epoch: row.auth_epoch })))
            }
            other => ("user.login_failed", Err(other.map(|row| row.id))),
        };
        let mut txn = self.store().begin().await?;
        txn.audit_append(&NewAudit {
            actor: outcome.as_ref().map_or_else(|id| *id, |(id, _)| Some(*id)),
            via: "password".to_owned(),
            address: client.address.clone(),
            action: action.to_owned(),
            target: "login".to_owned(),
            detail: serde_json::json!({}),
        })
        .await?;
        txn.commit().await?;
        outcome.map(|(_, user)| user).map_err(|_| {
            let detail = "User name and password do not belong together. Check both and try again.";
            Problem::new(ProblemCode::WrongCredentials, detail).into()
        })
    }

    /// Who a session belongs to; nothing when the user is disabled or has logged out everywhere since.
    #[boxed]
    pub async fn actor_for_session(
        &self,
        session: SessionId,
        user: UserId,
        auth_epoch: i32,
        address: &str,
    ) -> Outcome<Option<Actor>> {
        let row = self.store().user_fetch(user).await?;
        Ok(row.filter(|row| row.disabled_at.is_none() && row.auth_epoch == auth_epoch).map(|row| Actor {
            user,
            name: row.name,
            role: row.role,
            via: Via::Session(session),
            address: address.to_owned(),
        }))
    }

    /// The browsers in which the actor is signed in, newest first.
    #[boxed]
    pub async fn sessions(&self, actor: &Actor) -> Outcome<Vec<SessionView>> {
        let current = match &actor.via {
            Via::Session(session) => Some(*session),
            _ => None,
        };
        let rows = self.store().session_list(actor.user).await?;
        Ok(rows
            .into_iter()
            .map(|row| SessionView {
                id: row.id,
                user_agent: row.user_agent,
                address: row.address,
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
                current: Some(row.id) == current,
            })
            .collect())
    }

    /// Ends one of the actor's sessions.
    #[boxed]
    pub async fn revoke_session(&self, actor: &Actor, session: SessionId) -> Outcome<()> {
        actor.may_change_account()?;
        let mut txn = self.store().begin().await?;
        if !txn.session_revoke(actor.user, session).await? {
            return Err(Problem::not_found("session").into());
        }
        txn.audit_append(&actor.audit("session.revoke", &format!("session {}", session.short()))).await?;
        Ok(txn.commit().await?)
    }

    /// Ends all sessions of the actor's but the one that asks.
    #[boxed]
    pub async fn revoke_other_sessions(&self, actor: &Actor) -> Outcome<()> {
        let session = actor.may_change_account()?;
        let mut txn = self.store().begin().await?;
        let ended = txn.session_revoke_others(actor.user, session).await?;
        if ended > 0 {
            txn.audit_append(&actor.audit("session.revoke", &format!("{ended} other sessions"))).await?;
        }
        Ok(txn.commit().await?)
    }

    /// Remembers that the actor signs out; the session itself is the adapter's to end.
    #[boxed]
    pub async fn note_log_out(&self, actor: &Actor) -> Outcome<()> {
        let mut txn = self.store().begin().await?;
        txn.audit_append(&actor.audit("user.logout", "login")).await?;
        Ok(txn.commit().await?)
    }
}

impl UseCases {
    /// Whether the session or token that somebody came with still opens anything: long-lived streams ask every few
    /// seconds. Faults count as "yes": a database that is away must not cut what is allowed.
    #[boxed]
    pub async fn actor_still_valid(&self, actor: &Actor) -> bool {
        let live = match &actor.via {
            Via::System => Ok(true),
            Via::Session(session) => {
                let days = i32::try_from(self.settings().session_days).unwrap_or(i32::MAX);
                self.store().session_is_live(actor.user, *session, days).await
            }
            Via::Token { id, .. } => self.store().token_is_live(actor.user, *id).await,
        };
        live.unwrap_or(true)
    }
}
