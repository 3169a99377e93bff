//! Containers that start or end, as the engine tells it.

use super::{DockerCloud, client::Engine, errors::cloud_error};
use crate::{CloudError, CloudEvent};
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::{
    StreamExt, TryStreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type Events = BoxStream<'static, Result<CloudEvent, CloudError>>;

/// What a manager wants to know. Not `create`: it is the one who creates.
const ACTIONS: &[&str] = &["start", "die", "oom", "destroy", "health_status"];

/// Opens when it is first read, and then begins with what happened since it was made: nothing is missed in between.
pub(super) fn stream(cloud: DockerCloud) -> Events {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    stream::once(async move { Ok::<_, CloudError>(cloud.engine().await?.open_events(since)) }).try_flatten().boxed()
}

impl Engine {
    fn open_events(&self, since: Duration) -> Events {
        let mut filters = self.labels.filter(None);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), ACTIONS.iter().map(|&action| action.to_owned()).collect());
        let since = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
        let options = EventsOptionsBuilder::default().since(&since).filters(&filters).build();
        let labels = self.labels.clone();
        self.for_streams()
            .events(Some(options))
            .map_err(|error| cloud_error("waiting for the engine's events", error))
            .try_filter_map(move |event| {
                let identity = labels.identity(event.actor.and_then(|actor| actor.attributes).as_ref());
                let hint = identity.map(|it| CloudEvent { service: it.service, instance: it.instance });
                ready(Ok(hint))
            })
            .boxed()
    }
}
