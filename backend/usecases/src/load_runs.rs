//! The load generator: requests to an application of one's own, through the public entry.
//!
//! A use case writes the run's row and hands the order to the director that asked; that process sends the requests,
//! counts in the row and ends it. Orders carry a host name of this installation and no address: where they are sent to
//! is decided by the director alone.

use crate::{Actor, Outcome, UseCases, view};
use aerie_domain::{
    DesiredState, DirectorId, FieldError, LoadRunId, Problem, ProblemCode, ServiceId,
    views::{LoadRunResult, LoadRunState, LoadRunView, StartLoadRun},
};
use aerie_store::{LoadRunLimits, LoadRunRow, NewAudit, NewLoadRun};
use async_recursion::async_recursion as boxed;
use std::time::Duration;
use tokio::sync::mpsc;

/// Most requests per second of a run. Larger: two or three runs are more than a small machine can send and answer.
pub const MAX_RATE: u32 = 500;
/// Longest run, seconds. Longer: one user keeps the machine busy for everybody.
pub const MAX_SECONDS: u32 = 60;
/// Longest path with query, bytes.
const MAX_PATH: usize = 1024;
/// Runs that are listed.
const LISTED: i64 = 10;
/// Orders on their way to the sender; it takes them at once.
const WAITING_ORDERS: usize = 16;
/// Runs of the whole installation at a time, and how long after its director a run is over: directors write every second.
const LIMITS: LoadRunLimits = LoadRunLimits { at_once: 3, lost_after: Duration::from_secs(15) };
/// Results are kept for so long.
const KEEP: Duration = Duration::from_secs(7 * 86_400);

/// Requests to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOrder {
    /// The run.
    pub id: LoadRunId,
    /// Value of the `Host` header.
    pub host: String,
    /// Path and query; visible ASCII that begins with a slash.
    pub path: String,
    /// Requests per second.
    pub rate: u32,
    /// For so many seconds.
    pub seconds: u32,
}

/// Who sends requests in this process.
#[derive(Debug)]
pub(crate) struct Sender {
    director: DirectorId,
    orders: mpsc::Sender<LoadOrder>,
}

impl UseCases {
    /// Makes the caller the one who sends requests in this process. Nothing the second time.
    pub fn take_load_orders(&self, director: DirectorId) -> Option<mpsc::Receiver<LoadOrder>> {
        let (orders, receiver) = mpsc::channel(WAITING_ORDERS);
        self.inner.load_sender.set(Sender { director, orders }).ok().map(|()| receiver)
    }

    /// Sends requests to a service of the actor's.
    #[boxed]
    pub async fn start_load_run(&self, actor: &Actor, id: ServiceId, form: StartLoadRun) -> Outcome<LoadRunView> {
        actor.may_write()?;
        check(&form)?;
        let (service, application, owner) = self.owned_service(actor, id).await?;
        if self.kind_of(&service.kind)?.spec.public.is_none() {
            return Err(Problem::new(ProblemCode::Conflict, "Services of this kind have no public address.").into());
        }
        if service.desired != DesiredState::Running {
            return Err(Problem::new(ProblemCode::Conflict, "Start the service first: nothing answers yet.").into());
        }
        let sender = self
            .inner
            .load_sender
            .get()
            .ok_or_else(|| Problem::new(ProblemCode::Unavailable, "This director does not send requests."))?;
        let siblings = self.store().service_list(application.id).await?;
        let is_main = view::main_service(self.kinds(), &siblings) == Some(id);
        let host = view::host(self.settings(), application.name.as_str(), &owner.name, service.name.as_str(), is_main);
        let StartLoadRun { rate, seconds, path } = form;
        let run = LoadRunId::generate();
        let new = NewLoadRun {
            id: run,
            service_id: id,
            owner_id: owner.id,
            director_id: sender.director,
            rate,
            seconds,
            path: path.clone(),
        };
        let mut txn = self.store().begin().await?;
        let room = txn.load_run_insert(&new, LIMITS).await.map_err(|error| {
            if error.constraint() == Some("load_runs_open_key") {
                let detail = "You are sending requests already. Stop that run, or wait until it has ended.";
                return Problem::new(ProblemCode::Conflict, detail).into();
            }
            crate::Failure::from(error)
        })?;
        if !room {
            let detail = format!("{} people are sending requests already. Try again in a minute.", LIMITS.at_once);
            return Err(Problem::new(ProblemCode::TooManyRequests, detail).into());
        }
        txn.audit_append(&NewAudit {
            actor: Some(actor.user),
            via: actor.via_text(),
            address: actor.address.clone(),
            action: "service.load".to_owned(),
            target: format!("service {}/{}", application.name, service.name),
            detail: serde_json::json!({ "rate": rate, "seconds": seconds, "path": path }),
        })
        .await?;
        txn.commit().await?;
        if sender.orders.try_send(LoadOrder { id: run, host, path, rate, seconds }).is_err() {
            let error = "The director is stopping.";
            let nothing = LoadRunResult::default();
            self.store().load_run_end(run, LoadRunState::Failed, error, &nothing).await?;
        }
        self.load_run(actor, run).await
    }

    /// One run of the actor's.
    #[boxed]
    pub async fn load_run(&self, actor: &Actor, id: LoadRunId) -> Outcome<LoadRunView> {
        let row = self.store().load_run_fetch(id, actor.user).await?;
        row.map(present).ok_or_else(|| Problem::not_found("load run").into())
    }

    /// The newest runs against a service, newest first.
    #[boxed]
    pub async fn load_runs(&self, actor: &Actor, service: ServiceId) -> Outcome<Vec<LoadRunView>> {
        let (service, ..) = self.readable_service(actor, service).await?;
        Ok(self.store().load_run_list(service.id, LISTED).await?.into_iter().map(present).collect())
    }

    /// Stops a run within about a second. One that has ended stays as it is.
    #[boxed]
    pub async fn cancel_load_run(&self, actor: &Actor, id: LoadRunId) -> Outcome<LoadRunView> {
        actor.may_write()?;
        self.store().load_run_cancel(id, actor.user).await?;
        self.load_run(actor, id).await
    }

    /// Notes what a run has counted. For the sender only. Answers whether to go on.
    #[boxed]
    pub async fn load_run_note(&self, id: LoadRunId, result: &LoadRunResult) -> Outcome<bool> {
        Ok(self.store().load_run_note(id, result).await?)
    }

    /// Ends a run. For the sender only.
    #[boxed]
    pub async fn load_run_end(
        &self,
        id: LoadRunId,
        state: LoadRunState,
        error: &str,
        result: &LoadRunResult,
    ) -> Outcome<()> {
        Ok(self.store().load_run_end(id, state, error, result).await?)
    }

    /// Ends runs whose director is gone and forgets old ones. For the platform only.
    #[boxed]
    pub async fn tidy_load_runs(&self) -> Outcome<()> {
        Ok(self.store().load_runs_tidy(LIMITS, KEEP).await?)
    }
}

fn check(form: &StartLoadRun) -> Outcome<()> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: String| errors.push(FieldError { field: field.to_owned(), message });
    if !(1..=MAX_RATE).contains(&form.rate) {
        refuse("rate", format!("must be between 1 and {MAX_RATE} requests per second"));
    }
    if !(1..=MAX_SECONDS).contains(&form.seconds) {
        refuse("seconds", format!("must be between 1 and {MAX_SECONDS}"));
    }
    // Whatever could end the request line or be taken for a host is refused.
    let plain = form.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !form.path.starts_with('/') || !plain || form.path.len() > MAX_PATH {
        refuse("path", "must begin with / and have no spaces or special letters (write them as %20)".to_owned());
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors).into()) }
}

fn present(row: LoadRunRow) -> LoadRunView {
    let LoadRunRow { id, service_id, rate, seconds, path, state, error, result, created_at, ended_at } = row;
    let LoadRunResult { sent, skipped, ok, statuses, failures, times } = result;
    let answered: u64 = statuses.values().sum();
    LoadRunView {
        id,
        service_id,
        rate,
        seconds,
        path,
        state,
        error,
        sent,
        skipped,
        ok,
        failed: answered.saturating_sub(ok) + failures.values().sum::<u64>(),
        statuses,
        failures,
        p50_ms: times.percentile_ms(0.5),
        p95_ms: times.percentile_ms(0.95),
        p99_ms: times.percentile_ms(0.99),
        created_at,
        ended_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_taken() {
        let form = |path: &str| StartLoadRun { rate: 1, seconds: 1, path: path.to_owned() };
        for good in ["/", "/a/b.php?x=1&y=%20", "//evil.example/x", "/@evil.example:80"] {
            assert!(check(&form(good)).is_ok(), "{good}: a path, whatever it looks like");
        }
        for bad in ["", "x", "http://evil.example/", "/a b", "/a\r\nHost: x", "/ü", "/a#b", "/\0"] {
            assert!(check(&form(bad)).is_err(), "{bad:?}");
        }
        assert!(check(&form(&format!("/{}", "x".repeat(MAX_PATH)))).is_err());
    }

    #[test]
    fn every_wrong_number_is_named() {
        let form = StartLoadRun { rate: 501, seconds: 0, path: "/".to_owned() };
        let Err(crate::Failure::Refused(problem)) = check(&form) else { panic!("refused") };
        assert!(problem.message_for("rate").is_some() && problem.message_for("seconds").is_some());
    }
}
