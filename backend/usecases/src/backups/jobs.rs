//! Moves jobs on, step by step. Called by every director whenever something may have happened; safe to repeat and to do several
//! times at once, since each look is one transaction under the lock of the service's row.
//!
//! | job | steps |
//! |---|---|
//! | backup | dump, check |
//! | upload | check |
//! | restore | check_source (unless it was checked), dump, check (of what was there before), load |

use super::{
    KEEP_BEFORE_RESTORE, KEEP_FAILED, instance_for, new_backup,
    rules::{self, Moment, Next, OLD_INSTANCE},
    schedule::tell,
};
use crate::{Actor, Failure, Outcome, UseCases, services::OwnedService};
use aerie_domain::{ActionRunId, BackupId, BackupJobKind, BackupStep, BackupWhy, Problem, ServiceId};
use aerie_kinds::BackupSpec;
use aerie_store::{BackupJobRow, InstanceLite, NewActionResult, NewActionRun, Txn};
use async_recursion::async_recursion as boxed;
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;

/// Runs that are kept per service, as for actions.
const KEEP_RUNS: i64 = 100;

/// A job, its service, and the transaction under whose lock it is moved.
struct Work<'a> {
    txn: Txn<'a>,
    row: OwnedService,
    job: BackupJobRow,
    spec: &'a BackupSpec,
    platform: Actor,
    now: OffsetDateTime,
}

impl UseCases {
    /// Moves on what can be moved on, and begins what is due. What fails for one service does not hold up the others; the next
    /// look tries again.
    #[boxed]
    pub async fn advance_backups(&self) -> Outcome<()> {
        for service in self.store().backup_jobs_open().await? {
            log(self.advance(service).await);
        }
        for service in self.store().backups_due().await? {
            log(self.begin_scheduled(service).await);
            log(self.advance(service).await);
        }
        Ok(())
    }

    async fn advance(&self, id: ServiceId) -> Outcome<()> {
        let instances = self.store().instances_of_services(&[id]).await?;
        let (platform, now) = (self.platform().await?, self.store().database_now().await?);
        let mut txn = self.store().begin().await?;
        let Some((_, application, owner)) = txn.service_with_owner(id).await? else { return Ok(()) };
        let Some(service) = txn.service_lock(id).await? else { return Ok(()) };
        let Some(job) = txn.backup_job_open(id).await? else { return Ok(()) };
        let Some(spec) = &self.kind_of(&service.kind)?.spec.backup else {
            txn.backup_job_end(job.id, "Services of this kind have no backups any more.").await?;
            return Ok(txn.commit().await?);
        };
        let result = match job.run_id {
            Some(run) => txn.task_result(run).await?,
            None => None,
        };
        let next = rules::next(&Moment {
            desired: service.desired,
            ready: instance_for(spec, &instances).is_some(),
            asked: job.run_id.is_some(),
            result: result.as_ref(),
            age: job.step_age,
            limit: Duration::from_secs(spec.script(job.step.script()).timeout_s.into()),
        });
        let row = OwnedService { service, application, owner };
        let mut work = Work { txn, row, job, spec, platform, now };
        let outcome = match next {
            Next::Wait => return Ok(()),
            Next::Ask => work.ask(&instances).await,
            Next::Done => work.done(self).await,
            Next::No(words) => work.failed(&words, true).await,
            Next::Broken(words) => work.failed(&words, false).await,
        };
        match outcome {
            // What it is about is gone: it would be so the next time.
            Err(Failure::Refused(problem)) => work.end(&problem.detail).await?,
            other => other?,
        }
        tell(&mut work.txn, &work.row).await?;
        Ok(work.txn.commit().await?)
    }
}

/// Faults of ours are told in the log.
fn log(outcome: Outcome<()>) {
    if let Err(failure) = outcome {
        let _told_in_the_log = failure.into_problem();
    }
}

impl Work<'_> {
    /// Asks an instance for the step.
    async fn ask(&mut self, instances: &[InstanceLite]) -> Outcome<()> {
        let Some(candidate) = instance_for(self.spec, instances) else { return Ok(()) };
        let action = self.job.step.script().action();
        let new = NewActionRun {
            id: ActionRunId::generate(),
            service_id: self.row.service.id,
            action: action.parse().map_err(|error| Failure::Bug(format!("{action}: {error}")))?,
            values: BTreeMap::new(),
            actor_id: self.job.actor_id.unwrap_or(self.platform.user),
            on: vec![NewActionResult {
                instance_id: candidate.id,
                short: candidate.short.to_owned(),
                role: self.spec.role.clone(),
                life: candidate.life,
            }],
        };
        self.txn.action_run_insert(&new, KEEP_RUNS).await?;
        self.txn.backup_job_asked(self.job.id, new.id).await?;
        Ok(self.txn.wake_service(self.row.service.id).await?)
    }

    /// The script of the step has ended well.
    async fn done(&mut self, usecases: &UseCases) -> Outcome<()> {
        let job = self.job.clone();
        match (job.step, job.kind) {
            (BackupStep::CheckSource, _) => {
                self.txn.backup_set_check(wanted(job.source_id)?, true, "").await?;
                if let Err(problem) = usecases.require_room(0) {
                    return self.end(&problem.into_problem().detail).await;
                }
                let why = BackupWhy::BeforeRestore;
                let mut before = new_backup(&self.row.service, self.spec, why, self.now, &self.platform);
                before.actor_id = job.actor_id.unwrap_or(before.actor_id);
                self.txn.backup_insert(&before).await?;
                Ok(self.txn.backup_job_step(job.id, BackupStep::Dump, Some(before.id)).await?)
            }
            (BackupStep::Dump, _) => {
                let backup = wanted(job.backup_id)?;
                let row = self.txn.backup_fetch(job.service_id, backup).await?;
                if row.is_none_or(|row| row.digest.is_none()) {
                    return self.failed(OLD_INSTANCE, false).await;
                }
                self.txn.backup_set_ready(backup).await?;
                Ok(self.txn.backup_job_step(job.id, BackupStep::Check, Some(backup)).await?)
            }
            (BackupStep::Check, kind) => {
                let backup = wanted(job.backup_id)?;
                self.txn.backup_set_check(backup, true, "").await?;
                if kind == BackupJobKind::Restore {
                    return Ok(self.txn.backup_job_step(job.id, BackupStep::Load, Some(backup)).await?);
                }
                self.end("").await
            }
            (BackupStep::Load, _) => self.end("").await,
        }
    }

    /// The script of the step said no, or (not `no`) did not get to its end.
    async fn failed(&mut self, words: &str, no: bool) -> Outcome<()> {
        let job = self.job.clone();
        if let Some(run) = job.run_id {
            self.txn.task_give_up(run, words).await?;
        }
        let reason = match (job.step, job.kind) {
            (BackupStep::CheckSource, _) => {
                if no {
                    self.txn.backup_set_check(wanted(job.source_id)?, false, words).await?;
                    format!("The backup cannot be put back: {words}. Nothing was changed.")
                } else {
                    format!("The backup could not be checked: {words}. Nothing was changed.")
                }
            }
            (BackupStep::Dump, kind) => {
                let backup = wanted(job.backup_id)?;
                // The director's own reason, if it refused what the script wrote, says more than that it broke.
                let known = self.txn.backup_fetch(job.service_id, backup).await?.map(|row| row.reason);
                let words = known.filter(|known| !known.is_empty()).unwrap_or_else(|| words.to_owned());
                self.txn.backup_set_failed(backup, &words).await?;
                match kind {
                    BackupJobKind::Restore => {
                        format!("What is there now could not be backed up: {words}. Nothing was changed.")
                    }
                    BackupJobKind::Backup | BackupJobKind::Upload => words,
                }
            }
            (BackupStep::Check, BackupJobKind::Upload) if no => {
                self.txn.backup_set_failed(wanted(job.backup_id)?, words).await?;
                words.to_owned()
            }
            (BackupStep::Check, kind) => {
                if no {
                    self.txn.backup_set_check(wanted(job.backup_id)?, false, words).await?;
                }
                match kind {
                    BackupJobKind::Restore => {
                        format!("The backup of what is there now did not pass its check: {words}. Nothing was changed.")
                    }
                    BackupJobKind::Backup | BackupJobKind::Upload => format!("The check did not succeed: {words}"),
                }
            }
            (BackupStep::Load, _) => format!("{words}. What was there before is in the backup that was made first."),
        };
        self.end(&reason).await
    }

    /// Ends the job and lets go of what is too old.
    async fn end(&mut self, reason: &str) -> Outcome<()> {
        self.txn.backup_job_end(self.job.id, reason).await?;
        let service = self.row.service.id;
        if let Some(keep) = self.txn.backup_keep_scheduled(service).await? {
            self.txn.backups_prune(service, BackupWhy::Scheduled, keep, KEEP_FAILED).await?;
        }
        self.txn.backups_prune(service, BackupWhy::BeforeRestore, KEEP_BEFORE_RESTORE, KEEP_FAILED).await?;
        Ok(())
    }
}

/// A job that lost what it is about cannot go on; deleting that is refused meanwhile.
fn wanted(id: Option<BackupId>) -> Outcome<BackupId> {
    id.ok_or_else(|| Problem::not_found("backup").into())
}
