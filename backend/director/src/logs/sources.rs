//! Reading each source.

use super::{LogReader, Source, clean, positions::Mark};
use aerie_cloud::{CloudError, CloudErrorKind, CloudLogLine, LogsFrom};
use aerie_domain::{InstanceId, views::LogLine};
use aerie_manager::{
    kept_logs::{self, KeptLine},
    names,
};
use aerie_usecases::Outcome;
use futures_util::{StreamExt, stream::BoxStream};
use std::sync::Arc;
use time::OffsetDateTime;

/// One line and its place in its source.
pub(super) type Marked = (Mark, LogLine);

/// Kept output of an instance.
#[derive(Default)]
pub(super) struct Kept {
    /// Lines that match, oldest first.
    pub(super) lines: Vec<Marked>,
    /// Moment of the newest line, whether it matches or not.
    pub(super) newest: Option<OffsetDateTime>,
    /// There are older ones that match.
    pub(super) more: bool,
}

impl LogReader {
    /// Manager lines after a row, or the newest ones; oldest first.
    pub(super) async fn manager_lines(&self, after: Option<i64>, limit: u32) -> Outcome<Vec<Marked>> {
        let rows = self.state.usecases.manager_log(&self.actor, self.service, after, limit).await?;
        Ok(rows.into_iter().map(|(row, line)| (Mark::Row(row), LogLine { text: clean(&line.text), ..line })).collect())
    }

    /// The output of a container that exists.
    pub(super) fn container_lines(
        &self,
        instance: InstanceId,
        from: LogsFrom,
    ) -> BoxStream<'static, Result<Marked, CloudError>> {
        let name = names::container(&self.state.config.options.installation, self.service, instance);
        let short = instance.short();
        let lines = self.state.cloud.logs(&name, from);
        lines.map(move |line| line.map(|raw| marked(&short, &raw))).boxed()
    }

    /// The newest lines that match of the kept output of an instance: of one that is gone, or of earlier containers of one that is there. Oldest first.
    pub(super) async fn kept_lines(
        &self,
        instance: InstanceId,
        after: Option<OffsetDateTime>,
        tail: Option<u32>,
    ) -> Kept {
        let folder = kept_folder(&self.state.config.options.data_dir);
        let (short, query) = (instance.short(), self.query.clone());
        let of = short.clone();
        let matches = move |line: &KeptLine| query.matches(&clean::line(&of, &raw(line.clone())));
        let wanted = kept_logs::Wanted {
            tail: tail.and_then(|tail| usize::try_from(tail).ok()),
            after,
            text: self.query.text.clone().unwrap_or_default(),
            matches: self.picks_lines().then(|| Arc::new(matches) as Arc<kept_logs::Matches>),
        };
        let found = match kept_logs::read(&folder, self.service, instance, wanted).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(instance.id = %instance, error = crate::errors::chain(&error), "a kept log cannot be read");
                return Kept::default();
            }
        };
        let lines = found.lines.into_iter().map(|line| marked(&short, &raw(line))).collect();
        Kept { newest: found.newest, more: found.more, lines }
    }
}

/// Where the output of removed instances is kept; the manager writes it there.
pub(crate) fn kept_folder(data_dir: &std::path::Path) -> std::path::PathBuf {
    data_dir.join("logs")
}

fn raw(line: KeptLine) -> CloudLogLine {
    CloudLogLine { at: line.at, text: line.text }
}

fn marked(short: &str, raw: &CloudLogLine) -> Marked {
    (Mark::Moment(raw.at), clean::line(short, raw))
}

/// A container that is not there yet, or not any more, simply has no lines.
pub(super) fn is_absent(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::NotFound
}

/// The source of an instance.
pub(super) fn instance(id: InstanceId) -> Source {
    Source::Instance(id.short())
}
