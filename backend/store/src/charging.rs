//! Charging: from meters to bookings.
//!
//! Guarantees: an instance is charged for exactly the time from its first healthy moment to its removal; every part of
//! it once, however many directors charge, crash or start again; never a negative amount; a step of the clock charges
//! and gives away nothing that a reading of the clocks can tell. While it runs, whole periods (a minute) are booked; what
//! is left of the last one is booked when it ends, by the time that it took.
//! Caveats: a clock that was stepped while a machine was off, or just before the first reading of a further machine,
//! cannot be told from time that passed.

use crate::{
    ClockReading, Store, StoreError, Txn,
    charging_clock::{KnownClock, Step, Verdict},
};
use std::time::Duration;
use time::OffsetDateTime;

/// Meters per transaction. Larger: longer transactions that hold the accounts of many owners; smaller: more of them.
const BATCH: i64 = 2_000;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charged {
    /// How many meters it looked at that had something to charge.
    pub meters: i64,
    /// What it booked in all, micros.
    pub micros: i64,
    /// By how many microseconds it found the clock stepped.
    pub stepped_us: i64,
}

impl Store {
    /// The database's clock: the one that meters, leases and expiry go by.
    pub async fn database_now(&self) -> Result<OffsetDateTime, StoreError> {
        Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(self.pool()).await?)
    }

    /// Books what is due at the reading. Directors take turns; a run that finds everything booked changes nothing.
    pub async fn charge(&self, reading: &ClockReading, period: Duration) -> Result<Charged, StoreError> {
        let mut all = Charged::default();
        loop {
            let mut txn = self.begin().await?;
            let some = txn.charge(reading, period).await?;
            txn.commit().await?;
            all.meters += some.meters;
            all.micros += some.micros;
            all.stepped_us += some.stepped_us;
            if some.meters < BATCH {
                return Ok(all);
            }
        }
    }
}

impl Txn<'_> {
    /// One transaction of [`Store::charge`]: books at most so many meters.
    pub async fn charge(&mut self, reading: &ClockReading, period: Duration) -> Result<Charged, StoreError> {
        let (stepped_us, run) = self.charging_lock().await?;
        if reading.is_old() {
            return Ok(Charged::default());
        }
        let known = self.charging_clock(reading).await?;
        let by_us = match reading.judge(known.as_ref(), stepped_us) {
            // Somebody else charged later than this already.
            Verdict::Stale => return Ok(Charged::default()),
            Verdict::Fine => 0,
            Verdict::Stepped(step) => {
                self.meters_move(&step).await?;
                self.charging_add_step(&step, reading).await?;
                step.by_us
            }
        };
        self.charging_clock_note(reading, stepped_us + by_us, run).await?;
        let (meters, micros) = self.meters_charge(reading.wall, period).await?;
        Ok(Charged { meters, micros, stepped_us: by_us })
    }

    /// Makes directors take turns. Answers with the steps known so far and the number of this run.
    async fn charging_lock(&mut self) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query!("update charging set runs = runs + 1 returning stepped_us, runs")
            .fetch_one(self.connection())
            .await?;
        Ok((row.stepped_us, row.runs))
    }

    /// Counts a step. A machine whose clock was first read after the step, before anybody knew of it, is forgotten: the
    /// two would take turns in seeing a step that is none.
    async fn charging_add_step(&mut self, step: &Step, reading: &ClockReading) -> Result<(), StoreError> {
        sqlx::query!("update charging set stepped_us = stepped_us + $1", step.by_us).execute(self.connection()).await?;
        sqlx::query!(
            "delete from charging_clocks where machine <> $1 and first_run > $2",
            reading.machine.0,
            step.after_run,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn charging_clock(&mut self, reading: &ClockReading) -> Result<Option<KnownClock>, StoreError> {
        let known = sqlx::query_as!(
            KnownClock,
            "select base_us, uptime_us, last_run from charging_clocks where machine = $1",
            reading.machine.0,
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(known)
    }

    /// Remembers a reading, and forgets boots of which nobody has heard for a month.
    async fn charging_clock_note(
        &mut self,
        reading: &ClockReading,
        stepped_us: i64,
        run: i64,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "
            with old as (
                delete from charging_clocks where machine <> $1 and wall < $3::timestamptz - interval '30 days'
            )
            insert into charging_clocks (machine, base_us, wall, uptime_us, first_run, last_run)
            values ($1, $2, $3, $4, $5, $5)
                on conflict (machine) do update
               set wall      = excluded.wall,
                   uptime_us = excluded.uptime_us,
                   last_run  = excluded.last_run
            ",
            reading.machine.0,
            reading.offset_us() - stepped_us,
            reading.wall,
            reading.uptime_us(),
            run,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Moves open meters along with the clock, so that how long they ran stays right. One that no run has seen, or that
    /// has ended, may have begun or ended after the step: its times tell.
    async fn meters_move(&mut self, step: &Step) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update instance_meters
               set started_at    = started_at + make_interval(secs => $1::bigint / 1000000.0),
                   charged_until = charged_until + make_interval(secs => $1::bigint / 1000000.0)
             where not settled
               and (charged_until is not null or started_at between $2 and $3)
               and (ended_at is null or ended_at not between $2 and $3)
            ",
            step.by_us,
            step.before.0,
            step.before.1,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Books what is due. Amounts are what a meter costs from its beginning, rounded down, less what is booked: nothing
    /// is lost or won by rounding minute by minute. Meters that a manager is ending right now are left for the next run.
    async fn meters_charge(&mut self, now: OffsetDateTime, period: Duration) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query!(
            r#"
            with due as materialized (
                  select m.instance_id,
                         m.owner_id,
                         m.price_millis_per_hour,
                         m.started_at,
                         m.ended_at,
                         m.charged_micros,
                         coalesce(m.charged_until, m.started_at) as since
                    from instance_meters m
                   where not m.settled
                     and (m.ended_at is not null
                          or m.charged_until is null
                          or m.charged_until + make_interval(secs => $2) <= $1)
                order by m.instance_id
                   limit $3
                     for update skip locked
            ), timed as (
                select d.*,
                       greatest(d.since,
                                case when d.ended_at is not null then d.ended_at
                                     else d.started_at + make_interval(secs => $2)
                                          * floor(extract(epoch from $1::timestamptz - d.started_at) / $2::float8)::float8
                                end) as until
                  from due d
            ), priced as materialized (
                select t.*,
                       greatest(0, floor(t.price_millis_per_hour * 1000
                                         * extract(epoch from t.until - t.started_at) / 3600)::bigint
                                   - t.charged_micros) as micros,
                       floor(extract(epoch from t.since - t.started_at) * 1000)::bigint as from_ms,
                       ceil(extract(epoch from t.until - t.started_at) * 1000)::bigint as until_ms
                  from timed t
            ), moved as (
                update instance_meters m
                   set charged_until  = p.until,
                       charged_micros = m.charged_micros + p.micros,
                       settled        = p.ended_at is not null
                  from priced p
                 where m.instance_id = p.instance_id
            ), booked as (
                insert into ledger_bookings (at, kind, user_id)
                select distinct $1::timestamptz, 'charge', p.owner_id
                  from priced p
                 where p.micros > 0
                returning id, user_id
            ), entered as (
                insert into ledger_entries (booking_id, account_id, amount_micros, instance_id, from_ms, until_ms)
                select b.id, a.id, -p.micros, p.instance_id, p.from_ms, p.until_ms
                  from priced p
                  join booked b on b.user_id = p.owner_id
                  join ledger_accounts a on a.user_id = p.owner_id
                 where p.micros > 0
                 union all
                select b.id, a.id, sum(p.micros)::bigint, null, null, null
                  from priced p
                  join booked b on b.user_id = p.owner_id
                  join ledger_accounts a on a.kind = 'used'
                 where p.micros > 0
              group by b.id, a.id
            )
            select count(*) as "meters!", coalesce(sum(micros), 0)::bigint as "micros!" from priced
            "#,
            now,
            period.as_secs_f64(),
            BATCH,
        )
        .fetch_one(self.connection())
        .await?;
        Ok((row.meters, row.micros))
    }
}
