//! Log lines to a client of the event stream, beside `docker logs --follow` of the same container at the same time.

use crate::{
    by_hand::inspect,
    client::{Page, closed_loop},
    figures::{Line, ms, percentile},
    school::Real,
};
use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use std::{
    process::Stdio,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::{sleep, timeout},
};

/// Writes a burst of lines, or so many a second with the time in each. `error_log` goes to php-fpm's log, which is the
/// container's output.
const CODE: &str = "<?php set_time_limit(60); ini_set('log_errors_max_len', '0'); $n = (int) $_GET['n']; $tag = $_GET['tag']; \
    $rate = (int) ($_GET['rate'] ?? 0); $begin = microtime(true); \
    for ($i = 0; $i < $n; $i++) { \
      if ($rate) { $wait = $begin + $i / $rate - microtime(true); if ($wait > 0) usleep((int) ($wait * 1e6)); } \
      error_log($tag . ' ' . $i . ' at=' . sprintf('%.6f', microtime(true)) . ' ' . str_repeat('x', 60)); } echo 'done';";
/// Lines of a burst, and of the steady part.
const BURST: usize = 30_000;
const STEADY: usize = 5_000;
const STEADY_RATE: usize = 1_000;
/// Nothing new for so long: the rest is not coming.
const QUIET: Duration = Duration::from_secs(5);

/// Lines that a follower has met.
#[derive(Default)]
struct Met {
    lines: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    delays: Vec<f64>,
}

impl Met {
    fn line(&mut self, text: &str) {
        let now = Instant::now();
        self.lines += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
        let written = text.split_once("at=").and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        if let Some(written) = written {
            self.delays.push((clock - written) * 1000.0);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts")]
    fn per_second(&self) -> f64 {
        let time = self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last - first);
        self.lines as f64 / time.as_secs_f64().max(0.001)
    }
}

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    real.serve(&[("index.php", "<?php echo 'quiet';"), ("lines.php", CODE)]).await?;
    let container = real.proxy_container().await?;
    ensure!(inspect(&container, "{{.State.Running}}").await? == "true", "{container} does not run");
    let burst = run(real, &container, "burst", BURST, 0).await?;
    let steady = run(real, &container, "steady", STEADY, STEADY_RATE).await?;
    let (ours, theirs) = (burst.0.per_second(), burst.1.per_second());
    let (got, asked) = (burst.0.lines, burst.1.lines);
    let ratio = ours / theirs;
    let (p99, theirs_p99) = (percentile(&steady.0.delays, 99.0), percentile(&steady.1.delays, 99.0));
    Ok(vec![
        Line {
            key: "logs.rate".to_owned(),
            what: format!("log lines from a container to a client of the event stream ({BURST} at once)"),
            ours: format!("{ours:.0} lines/s, {got} of {asked} lines"),
            theirs: format!("{theirs:.0} lines/s (`docker logs --follow`, at the same time)"),
            result: format!("{ratio:.2} ×"),
            goal: "≥ 0.8 ×".to_owned(),
            met: ratio >= 0.8 && got >= asked,
        },
        Line {
            key: "logs.delay".to_owned(),
            what: format!("the same at {STEADY_RATE} lines/s: delay from written to read"),
            ours: format!("p99 {p99:.0} ms, {} lines", steady.0.lines),
            theirs: format!("p99 {theirs_p99:.0} ms"),
            result: format!("p99 {p99:.0} ms"),
            goal: "p99 < 100 ms".to_owned(),
            met: p99 < 100.0 && steady.0.lines >= STEADY,
        },
    ])
}

/// Lets the page write lines while both follow.
async fn run(real: &Real, container: &str, tag: &str, lines: usize, rate: usize) -> Result<(Met, Met)> {
    let (ours, theirs) =
        (tokio::spawn(follow_stream(stream(real).await?, tag.to_owned(), lines)), follow_docker(container, tag, lines));
    let theirs = tokio::spawn(theirs?);
    sleep(Duration::from_millis(500)).await;
    let path = format!("/lines.php?n={lines}&tag={tag}&rate={rate}");
    let page = Page::public(&real.address, &path)?;
    let asked = Instant::now();
    // One request: it ends when all is written.
    let load = closed_loop(&page, 1, Duration::from_millis(1)).await;
    ensure!(load.lost.is_empty(), "the page that writes lines: {:?}", load.lost.first());
    crate::table::say(&format!("  {lines} lines were written in {:.0} ms", ms(asked.elapsed())));
    Ok((ours.await??, theirs.await??))
}

async fn stream(real: &Real) -> Result<reqwest::Response> {
    let response = real.ada.send(reqwest::Method::GET, &real.path("/logs/stream?role=php&tail=1"), None).await?;
    Ok(response.error_for_status()?)
}

async fn follow_stream(response: reqwest::Response, tag: String, lines: usize) -> Result<Met> {
    let (mut met, mut bytes, mut rest) = (Met::default(), response.bytes_stream(), Vec::new());
    let marker = format!("{tag} ");
    while met.lines < lines {
        let Ok(Some(chunk)) = timeout(QUIET, bytes.next()).await else { break };
        rest.extend_from_slice(&chunk?);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest.drain(..=end);
        for line in
            text.lines().filter(|line| line.starts_with("data:") && line.contains(&marker) && line.contains("at="))
        {
            met.line(line);
        }
    }
    Ok(met)
}

fn follow_docker(container: &str, tag: &str, lines: usize) -> Result<impl Future<Output = Result<Met>> + use<>> {
    let mut child = Command::new("docker")
        .args(["logs", "--follow", "--tail", "0", container])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("its output is piped")?;
    let marker = format!("{tag} ");
    Ok(async move {
        let (mut met, mut output) = (Met::default(), BufReader::new(output).lines());
        while met.lines < lines {
            let Ok(line) = timeout(QUIET, output.next_line()).await else { break };
            let Some(line) = line? else { break };
            if line.contains(&marker) && line.contains("at=") {
                met.line(&line);
            }
        }
        // Ended by its id when dropped.
        child.kill().await?;
        Ok(met)
    })
}
