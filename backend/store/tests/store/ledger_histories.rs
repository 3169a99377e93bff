//! Random histories of what happens to instances, directors and clocks, charged by the real store: the ledger must agree
//! with a model that only knows for how long, really, each instance was healthy.

use crate::world::{application, instance, service, user};
use aerie_domain::{BootId, InstanceId, ServiceId, UserId};
use aerie_store::{ClockReading, Store};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use sqlx::{PgPool, types::Uuid};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use time::{OffsetDateTime, macros::datetime};

const EPOCH: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const PERIOD: Duration = Duration::from_secs(60);
const INITIAL: i64 = 50_000_000;
/// Prices of an hour, thousandths of a credit: free, odd, usual, dear.
const PRICES: [i64; 4] = [0, 7, 1000, 2500];
/// Directors look at the clocks at least this often while they run, so also in these histories, seconds.
const LONGEST_GAP: i64 = 100;

#[derive(Debug, Clone)]
enum Act {
    /// A start or a scaling up: an instance of one of the two people.
    Begin { owner: usize },
    /// All roles of an instance are healthy for the first time.
    Healthy { which: usize, price: usize },
    /// A stop, a scaling down or a crash: the instance is removed.
    Remove { which: usize },
    /// Time passes, less than until the next run.
    Pass { seconds: i64 },
    /// A run of one of two machines' directors.
    Charge { machine: usize },
    /// Directors on two machines run at the same time.
    Together,
    /// A director dies in the middle of a run.
    Crash { machine: usize },
    /// All directors are away for a while, in which the clock may be stepped; instances run on.
    Away { seconds: i64, hours: i64 },
    /// The database's clock is stepped.
    Step { hours: i64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..2_usize).prop_map(|owner| Act::Begin { owner }),
        4 => (any::<usize>(), 0..PRICES.len()).prop_map(|(which, price)| Act::Healthy { which, price }),
        3 => any::<usize>().prop_map(|which| Act::Remove { which }),
        6 => (1..95_i64).prop_map(|seconds| Act::Pass { seconds }),
        4 => (0..2_usize).prop_map(|machine| Act::Charge { machine }),
        2 => Just(Act::Together),
        2 => (0..2_usize).prop_map(|machine| Act::Crash { machine }),
        1 => (100..8000_i64, -1..2_i64).prop_map(|(seconds, hours)| Act::Away { seconds, hours }),
        2 => prop_oneof![Just(1), Just(-1)].prop_map(|hours| Act::Step { hours }),
    ]
}

/// What really happened to an instance, seconds of real time.
struct Life {
    id: InstanceId,
    owner: usize,
    price: i64,
    healthy_at: Option<i64>,
    removed_at: Option<i64>,
}

impl Life {
    /// What it must have cost in the end, micros.
    fn cost(&self, now: i64) -> i64 {
        let Some(from) = self.healthy_at else { return 0 };
        (self.removed_at.unwrap_or(now) - from) * self.price * 1000 / 3600
    }
}

struct Play {
    store: Store,
    owners: [UserId; 2],
    services: [ServiceId; 2],
    lives: Vec<Life>,
    /// Real time since the beginning, seconds.
    now: i64,
    /// What the clock shows beyond that, seconds.
    stepped: i64,
    /// When a director last looked at the clocks.
    looked: i64,
    /// Nobody has seen the last step yet.
    unseen: bool,
}

impl Play {
    async fn begin(pool: &PgPool) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let store = Store::from_pool(pool.clone());
        for statement in ["delete from charging_clocks", "update charging set stepped_us = 0"] {
            sqlx::query(statement).execute(pool).await.unwrap();
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (mut owners, mut services) = (Vec::new(), Vec::new());
        for name in ["ada", "eve"] {
            let owner = user(&store, &format!("{name}{number}")).await;
            let blog = application(&store, owner, "blog").await;
            services.push(service(&store, blog.id, "php", "php").await);
            owners.push(owner);
        }
        let (owners, services) = ([owners[0], owners[1]], [services[0], services[1]]);
        let mut play = Self { store, owners, services, lives: vec![], now: 0, stepped: 0, looked: 0, unseen: false };
        // Both machines are known, also to each other, before anything happens.
        for machine in [0, 1, 0, 1] {
            play.charge(machine).await;
        }
        play
    }

    fn wall(&self) -> OffsetDateTime {
        EPOCH + time::Duration::seconds(self.now + self.stepped)
    }

    fn reading(&self, machine: usize) -> ClockReading {
        let boots = [1_000, 77_000];
        let uptime = Duration::from_secs(u64::try_from(self.now + boots[machine]).unwrap());
        let machine = BootId(Uuid::from_u128(machine as u128 + 1));
        // Never too old, however busy the machine that runs the test: time is pretended here.
        let taken = Instant::now() + Duration::from_secs(3600);
        ClockReading { machine, uptime, wall: self.wall(), taken }
    }

    async fn charge(&mut self, machine: usize) {
        self.store.charge(&self.reading(machine), PERIOD).await.unwrap();
        (self.looked, self.unseen) = (self.now, false);
    }

    async fn act(&mut self, act: &Act) {
        match *act {
            Act::Begin { owner } => {
                let id = instance(&self.store, self.services[owner]).await;
                self.lives.push(Life { id, owner, price: 0, healthy_at: None, removed_at: None });
            }
            Act::Healthy { which, price } => self.healthy(which, PRICES[price]).await,
            Act::Remove { which } => self.remove(which).await,
            Act::Pass { seconds } => {
                if self.now + seconds - self.looked > LONGEST_GAP {
                    self.charge(0).await;
                }
                self.now += seconds;
            }
            Act::Charge { machine } => self.charge(machine).await,
            Act::Together => {
                let (one, other) = (self.reading(0), self.reading(1));
                let runs = tokio::join!(self.store.charge(&one, PERIOD), self.store.charge(&other, PERIOD));
                runs.0.unwrap();
                runs.1.unwrap();
                (self.looked, self.unseen) = (self.now, false);
            }
            Act::Crash { machine } => {
                let mut txn = self.store.begin().await.unwrap();
                txn.charge(&self.reading(machine), PERIOD).await.unwrap();
            }
            Act::Away { seconds, hours } => {
                if self.unseen {
                    self.charge(1).await;
                }
                self.now += seconds;
                self.stepped += hours * 3600;
                self.charge(0).await;
            }
            Act::Step { hours } => {
                if self.unseen {
                    self.charge(1).await;
                }
                self.stepped += hours * 3600;
                self.unseen = true;
            }
        }
    }

    async fn healthy(&mut self, which: usize, price: i64) {
        let count = self.lives.len().max(1);
        let (wall, now) = (self.wall(), self.now);
        let Some(life) = self.lives.get_mut(which % count).filter(|life| life.removed_at.is_none()) else { return };
        let mut txn = self.store.begin().await.unwrap();
        let first = txn.instance_set_healthy(life.id, price).await.unwrap();
        assert_eq!(first, life.healthy_at.is_none(), "only the first time counts");
        txn.commit().await.unwrap();
        if first {
            (life.price, life.healthy_at) = (price, Some(now));
            let statement = "update instance_meters set started_at = $2 where instance_id = $1";
            sqlx::query(statement).bind(life.id.0).bind(wall).execute(self.store.pool()).await.unwrap();
        }
    }

    async fn remove(&mut self, which: usize) {
        let count = self.lives.len().max(1);
        let (wall, now) = (self.wall(), self.now);
        let Some(life) = self.lives.get_mut(which % count).filter(|life| life.removed_at.is_none()) else { return };
        let mut txn = self.store.begin().await.unwrap();
        txn.instance_retire(life.id, 0).await.unwrap();
        txn.commit().await.unwrap();
        life.removed_at = Some(now);
        let statement = "update instance_meters set ended_at = $2 where instance_id = $1";
        sqlx::query(statement).bind(life.id.0).bind(wall).execute(self.store.pool()).await.unwrap();
    }

    /// What was charged for each instance, and that every sum is right.
    async fn check(&self) -> Result<(), TestCaseError> {
        let owners: Vec<Uuid> = self.owners.iter().map(|owner| owner.0).collect();
        let unbalanced: i64 = sqlx::query_scalar(
            "select count(*) from (select 1 from ledger_bookings b join ledger_entries e on e.booking_id = b.id
                                    where b.user_id = any($1) group by b.id having sum(amount_micros) <> 0) x",
        )
        .bind(&owners)
        .fetch_one(self.store.pool())
        .await
        .unwrap();
        prop_assert_eq!(unbalanced, 0, "every booking sums to zero");
        let rows: Vec<(Uuid, Uuid, i64)> = sqlx::query_as(
            "select e.instance_id, a.user_id, (-sum(e.amount_micros))::bigint
               from ledger_entries e join ledger_accounts a on a.id = e.account_id
              where a.user_id = any($1) and e.instance_id is not null group by 1, 2",
        )
        .bind(&owners)
        .fetch_all(self.store.pool())
        .await
        .unwrap();
        let charged: BTreeMap<Uuid, (Uuid, i64)> = rows.into_iter().map(|(id, who, sum)| (id, (who, sum))).collect();
        for life in &self.lives {
            let cost = life.cost(self.now);
            let (who, sum) = charged.get(&life.id.0).copied().unwrap_or((self.owners[life.owner].0, 0));
            prop_assert_eq!(who, self.owners[life.owner].0, "nobody pays for others");
            prop_assert!(sum <= cost, "{} was charged {sum} for what cost {cost}", life.id);
            prop_assert!(life.healthy_at.is_some() || sum == 0, "never healthy, never charged");
        }
        for (index, owner) in self.owners.iter().enumerate() {
            let mine = self.lives.iter().filter(|life| life.owner == index);
            let spent: i64 = mine.map(|life| charged.get(&life.id.0).map_or(0, |(_, sum)| *sum)).sum();
            let balance = self.store.user_credit(*owner).await.unwrap().balance_micros;
            prop_assert_eq!(balance, INITIAL - spent, "the balance is the sum of the entries");
        }
        Ok(())
    }

    /// Everything is removed and charged: now it must have cost exactly what it really ran.
    async fn end(&mut self) -> Result<(), TestCaseError> {
        for which in 0..self.lives.len() {
            self.remove(which).await;
        }
        self.charge(0).await;
        self.check().await?;
        for (index, owner) in self.owners.iter().enumerate() {
            let cost: i64 = self.lives.iter().filter(|life| life.owner == index).map(|life| life.cost(self.now)).sum();
            let balance = self.store.user_credit(*owner).await.unwrap().balance_micros;
            prop_assert_eq!(INITIAL - balance, cost, "charged exactly what ran");
        }
        Ok(())
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn whatever_happens_the_ledger_is_right(pool: PgPool) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
        TestRunner::new(config).run(&vec(act(), 1..60), |history| {
            runtime.block_on(async {
                let mut play = Play::begin(&pool).await;
                for act in &history {
                    play.act(act).await;
                    play.check().await?;
                }
                play.end().await
            })
        })
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap();
}
