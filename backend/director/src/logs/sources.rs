//! Reading each source.

use super::{LogReader, Source, clean, positions::Mark};
use aerie_cloud::{CloudError, CloudErrorKind, CloudLogLine, LogsFrom};
use aerie_domain::{InstanceId, views::LogLine};
use aerie_manager::{kept_logs, names};
use aerie_usecases::Outcome;
use futures_util::{StreamExt, stream::BoxStream};
use time::OffsetDateTime;

/// One line and its place in its source.
pub(super) type Marked = (Mark, LogLine);

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

    /// The kept output of an instance: of one that is gone, or of earlier containers of one that is there. Oldest first.
    pub(super) async fn kept_lines(
        &self,
        instance: InstanceId,
        after: Option<OffsetDateTime>,
        tail: Option<u32>,
    ) -> Vec<Marked> {
        let folder = kept_folder(&self.state.config.options.data_dir);
        let tail = tail.and_then(|tail| usize::try_from(tail).ok());
        let lines = match kept_logs::read(&folder, self.service, instance, tail).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::warn!(instance.id = %instance, error = crate::errors::chain(&error), "a kept log cannot be read");
                return Vec::new();
            }
        };
        let short = instance.short();
        let later = lines.into_iter().filter(|line| after.is_none_or(|after| line.at > after));
        later.map(|line| marked(&short, &CloudLogLine { at: line.at, text: line.text })).collect()
    }
}

/// Where the output of removed instances is kept; the manager writes it there.
pub(crate) fn kept_folder(data_dir: &std::path::Path) -> std::path::PathBuf {
    data_dir.join("logs")
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
