//! Builds that are under way, so that calls for the same image share one.

use crate::{CloudError, CloudErrorKind, Progress};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

/// Kind and message of a failure: what can be told to several callers.
type Failure = (CloudErrorKind, String);
type Running = Shared<BoxFuture<'static, Result<(), Failure>>>;
type Weak = WeakShared<BoxFuture<'static, Result<(), Failure>>>;
type Listeners = Arc<Mutex<Vec<Progress>>>;

/// The builds under way, by image name. A build lives as long as somebody waits for it: there is no task behind it.
#[derive(Default)]
pub(crate) struct Builds {
    running: Mutex<HashMap<String, (Weak, Listeners)>>,
}

impl Builds {
    /// Waits for the build of `image`; begins it with `build` when none is under way. Its outcome, good or bad, goes to
    /// everybody who waits and is not remembered.
    pub(crate) async fn join<B>(
        &self,
        image: &str,
        progress: Progress,
        build: impl FnOnce(Progress) -> B,
    ) -> Result<(), CloudError>
    where
        B: Future<Output = Result<(), CloudError>> + Send + 'static,
    {
        let running = self.enter(image, progress, build);
        running.await.map_err(|(kind, message)| CloudError::new(kind, message))
    }

    fn enter<B>(&self, image: &str, progress: Progress, build: impl FnOnce(Progress) -> B) -> Running
    where
        B: Future<Output = Result<(), CloudError>> + Send + 'static,
    {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((build, listeners)) = running.get(image)
            && let Some(build) = build.upgrade()
            && build.peek().is_none()
        {
            listeners.lock().unwrap_or_else(PoisonError::into_inner).push(progress);
            return build;
        }
        let listeners: Listeners = Arc::new(Mutex::new(vec![progress]));
        let heard = Arc::clone(&listeners);
        let tell_all: Progress = Arc::new(move |line: String| {
            // Outside the lock: a listener may do what it likes.
            let listeners = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for listener in listeners {
                listener(line.clone());
            }
        });
        let build =
            build(tell_all).map(|result| result.map_err(|error| (error.kind, whole_message(&error)))).boxed().shared();
        running.retain(|_, (build, _)| build.upgrade().is_some_and(|build| build.peek().is_none()));
        if let Some(weak) = build.downgrade() {
            running.insert(image.to_owned(), (weak, listeners));
        }
        build
    }
}

/// The message with its causes, since those cannot be cloned.
fn whole_message(error: &CloudError) -> String {
    let mut message = error.message.clone();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    fn listener() -> (Progress, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let heard = Arc::clone(&count);
        (
            Arc::new(move |_| {
                heard.fetch_add(1, Ordering::SeqCst);
            }),
            count,
        )
    }

    async fn fail(started: Arc<AtomicUsize>, progress: Progress) -> Result<(), CloudError> {
        started.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        progress("step".into());
        Err(CloudError::new(CloudErrorKind::Transient, "broken"))
    }

    #[tokio::test]
    async fn a_failure_is_shared_but_not_remembered() {
        let (builds, started) = (Builds::default(), Arc::new(AtomicUsize::new(0)));
        let (first, first_heard) = listener();
        let (second, second_heard) = listener();
        let build = |progress| fail(Arc::clone(&started), progress);
        let (a, b) = tokio::join!(builds.join("x", first.clone(), build), builds.join("x", second, build));
        assert!(a.is_err() && b.is_err());
        assert_eq!(started.load(Ordering::SeqCst), 1);
        assert_eq!((first_heard.load(Ordering::SeqCst), second_heard.load(Ordering::SeqCst)), (1, 1));
        assert!(builds.join("x", first, build).await.is_err());
        assert_eq!(started.load(Ordering::SeqCst), 2, "the next call tries again");
    }

    #[tokio::test]
    async fn a_build_goes_on_when_the_first_caller_goes_away() {
        let (builds, started) = (Builds::default(), Arc::new(AtomicUsize::new(0)));
        let build = |progress| fail(Arc::clone(&started), progress);
        let mut first = Box::pin(builds.join("x", listener().0, build));
        assert!(first.as_mut().now_or_never().is_none());
        let second = builds.join("x", listener().0, build);
        let (second, ()) = tokio::join!(second, async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(second.is_err());
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }
}
