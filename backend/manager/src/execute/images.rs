//! Images that are being built, in the background, one build per image whoever asks.

use crate::{backoff, clock::Moment, explain, queue::Queue, world::Image};
use aerie_cloud::{Cloud, CloudError, CloudErrorKind, ImageSpec, Progress};
use aerie_crash_points as crash_points;
use aerie_domain::{ServiceId, views::KindCategory};
use aerie_kinds::{Kind, Kinds};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// How often a preparation looks whether its image is ready. Shorter gains nothing: a build takes seconds to minutes.
const PREPARATION_LOOK: Duration = Duration::from_millis(500);

/// The images of this process.
pub(crate) struct Images {
    shared: Arc<Shared>,
    cloud: Arc<dyn Cloud>,
    tasks: TaskTracker,
    cancel: CancellationToken,
    _stop: DropGuard,
}

struct Shared {
    entries: Mutex<HashMap<String, Entry>>,
    queue: Arc<Queue<ServiceId>>,
}

struct Entry {
    image: Image,
    attempts: u32,
    /// Services to look at when the build is over.
    waiting: BTreeSet<ServiceId>,
    /// After a failure: not to be tried before. By our own clock, which nobody sets.
    retry_at: Instant,
}

/// Puts down the result of a build, also of one that was cut short.
struct Ending {
    shared: Arc<Shared>,
    key: String,
    result: Option<Result<String, CloudError>>,
}

impl Images {
    pub fn new(cloud: Arc<dyn Cloud>, queue: Arc<Queue<ServiceId>>) -> Self {
        let cancel = CancellationToken::new();
        Self {
            shared: Arc::new(Shared { entries: Mutex::default(), queue }),
            cloud,
            tasks: TaskTracker::new(),
            cancel: cancel.clone(),
            _stop: cancel.drop_guard(),
        }
    }

    /// How far a kind's image is.
    pub fn state(&self, kind: &Kind, moment: &Moment) -> Image {
        let entries = self.shared.entries();
        let Some(entry) = entries.get(&key(kind)) else { return Image::Unknown };
        let mut image = entry.image.clone();
        if let Image::Failed { retry_at, .. } = &mut image {
            *retry_at = moment.at(entry.retry_at);
        }
        image
    }

    fn is_building(&self, kind: &Kind) -> bool {
        matches!(self.shared.entries().get(&key(kind)), Some(Entry { image: Image::Building(_), .. }))
    }

    /// The engine does not know the image any more.
    pub fn forget(&self, kind: &Kind) {
        let mut entries = self.shared.entries();
        if matches!(entries.get(&key(kind)), Some(Entry { image: Image::Ready(_), .. })) {
            entries.remove(&key(kind));
        }
    }

    /// Has the kind's image built; the service is looked at again when that is over.
    pub fn build(&self, kind: &Kind, service: ServiceId) {
        self.begin(kind, Some(service));
    }

    /// Builds the images of kinds that nobody has asked for yet, one after the other, so that a first start need not
    /// wait. A failure is left to that first start, which tries again and can say what is wrong.
    pub async fn prepare(&self, kinds: &Kinds) {
        for kind in kinds.iter() {
            if kind.spec.category == KindCategory::System {
                continue;
            }
            self.begin(kind, None);
            while self.is_building(kind) {
                tokio::time::sleep(PREPARATION_LOOK).await;
            }
        }
    }

    fn begin(&self, kind: &Kind, service: Option<ServiceId>) {
        let key = key(kind);
        {
            let mut entries = self.shared.entries();
            let entry = entries.entry(key.clone()).or_insert_with(|| Entry {
                image: Image::Unknown,
                attempts: 0,
                waiting: BTreeSet::new(),
                retry_at: Instant::now(),
            });
            if let Image::Ready(_) = entry.image {
                drop(entries);
                if let Some(service) = service {
                    self.shared.queue.wake(service);
                }
                return;
            }
            entry.waiting.extend(service);
            if let Image::Building(_) = entry.image {
                return;
            }
            entry.image = Image::Building(String::new());
        }
        let spec = ImageSpec {
            kind: kind.spec.name.to_string(),
            folder: kind.folder.clone(),
            digest: kind.image_digest.clone(),
        };
        let progress = self.progress(&key);
        let ending = Ending { shared: self.shared.clone(), key, result: None };
        let (cloud, cancel) = (self.cloud.clone(), self.cancel.clone());
        self.tasks.spawn(async move {
            // as a whole: an assignment alone would take only the field along
            let mut ending = ending;
            tokio::select! {
                // Cancel-safe: a token stays cancelled.
                () = cancel.cancelled() => {}
                // Dropping it ends our interest; the engine may finish the build for the next one who asks.
                result = cloud.ensure_image(&spec, progress) => ending.result = Some(result),
            }
        });
    }

    /// Keeps the last line. Services that wait look every second; waking them for each line would cost more.
    fn progress(&self, key: &str) -> Progress {
        let (shared, key) = (self.shared.clone(), key.to_owned());
        Arc::new(move |line| {
            crash_points::pass(crash_points::Point::ImageBuilding);
            if let Some(Entry { image: Image::Building(last), .. }) = shared.entries().get_mut(&key) {
                *last = line;
            }
        })
    }

    /// Ends everything and waits for it.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn key(kind: &Kind) -> String {
    format!("{} {}", kind.spec.name, kind.image_digest)
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // every change is complete before anything can panic
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let result = self
            .result
            .take()
            .unwrap_or_else(|| Err(CloudError::new(CloudErrorKind::Transient, "the build was interrupted")));
        let waiting = {
            let mut entries = self.shared.entries();
            let Some(entry) = entries.get_mut(&self.key) else { return };
            match result {
                Ok(name) => {
                    entry.attempts = 0;
                    entry.image = Image::Ready(name);
                }
                Err(error) => {
                    tracing::warn!(image = self.key, error = &error as &dyn std::error::Error, "an image build failed");
                    entry.attempts = entry.attempts.saturating_add(1);
                    // a build that fails costs minutes of work: waits begin at 8 s
                    entry.retry_at = Instant::now() + backoff::delay(entry.attempts.saturating_add(3));
                    // said by whoever asks
                    let retry_at = OffsetDateTime::UNIX_EPOCH;
                    entry.image = Image::Failed { reason: explain::cloud(&error), retry_at };
                }
            }
            std::mem::take(&mut entry.waiting)
        };
        for service in waiting {
            self.shared.queue.wake(service);
        }
    }
}
