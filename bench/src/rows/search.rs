//! A search in a million kept lines, against `grep` over the same text.

use crate::{
    figures::{Line, median, ms},
    school::Real,
};
use aerie_domain::views::{LogLine, Page};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::process::Command;

const LINES: usize = 1_000_000;
const TURNS: usize = 5;
/// As the manager does when it keeps output: text per frame.
const FRAME_BYTES: usize = 1024 * 1024;

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    // Another row may have filled the log of the container that runs, which the engine reads besides.
    real.post("/stop", None).await?;
    real.post("/start", None).await?;
    let view = real.view().await?;
    let instance = view.instances.iter().find(|one| !one.auxiliary).context("the service runs")?;
    // Beside the lines of its present container, an instance may have kept ones of earlier containers.
    let kept = real.home.data_dir().join("logs").join(real.service.to_string());
    fs::create_dir_all(&kept)?;
    let kept = kept.join(format!("{}.log.zst", instance.id));
    let plain = tempfile::Builder::new().prefix("aerie-bench-").tempdir_in("/var/tmp")?;
    let plain = plain.path().join("lines.log");
    write(&kept, &plain)?;
    let result = compare(real, &instance.short, &plain).await;
    fs::remove_file(&kept)?;
    result
}

async fn compare(real: &Real, instance: &str, plain: &Path) -> Result<Vec<Line>> {
    // All there is to be read for the oldest line; a word of every hundredth line for the first page.
    let (mut ours, mut theirs, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let (took, lines) = ask(real, instance, "needle-in-a-haystack", 500).await?;
        ensure!(lines == 1, "{lines} lines found, not the one that is there");
        ours.push(took);
        theirs.push(grep("needle-in-a-haystack", plain).await?);
        let (took, lines) = ask(real, instance, "Timeout", 500).await?;
        ensure!(lines == 500, "{lines} lines on the first page");
        pages.push(took);
    }
    let (ours, theirs, page) = (median(&ours), median(&theirs), median(&pages));
    let ratio = ours / theirs;
    Ok(vec![
        Line {
            key: "search.all".to_owned(),
            what: "search in 1 M kept log lines for a text that only the oldest has, through the API".to_owned(),
            ours: format!("{ours:.0} ms"),
            theirs: format!("{theirs:.0} ms (`grep -iF` over the same text, uncompressed and in memory)"),
            result: format!("{ratio:.2} ×"),
            goal: "≤ 2 ×".to_owned(),
            met: ratio <= 2.0,
        },
        Line {
            key: "search.page".to_owned(),
            what: "the same: first page (500 lines) for a text that one line in a hundred has".to_owned(),
            ours: format!("{page:.0} ms"),
            theirs: "–".to_owned(),
            result: format!("{page:.0} ms"),
            goal: "< 300 ms".to_owned(),
            met: page < 300.0,
        },
    ])
}

async fn ask(real: &Real, instance: &str, text: &str, tail: usize) -> Result<(f64, usize)> {
    let path = real.path(&format!("/logs?instance={instance}&text={text}&tail={tail}"));
    let began = Instant::now();
    let page: Page<LogLine> = real.ada.json(Method::GET, &path, None).await?;
    Ok((ms(began.elapsed()), page.items.len()))
}

async fn grep(text: &str, file: &Path) -> Result<f64> {
    let began = Instant::now();
    let output = Command::new("grep").args(["-iF", "--", text]).arg(file).env("LC_ALL", "C.UTF-8").output().await?;
    ensure!(output.status.success(), "grep found nothing");
    Ok(ms(began.elapsed()))
}

/// The same million lines as the manager keeps them, and as plain text.
fn write(kept: &Path, plain: &Path) -> Result<()> {
    let (mut kept, mut plain) = (fs::File::create(kept)?, fs::File::create(plain)?);
    let begin = OffsetDateTime::now_utc() - Duration::from_secs(1_000_000);
    let mut frame = String::with_capacity(FRAME_BYTES + 1024);
    for number in 0..LINES {
        let at = (begin + Duration::from_millis(number as u64 * 900)).format(&Rfc3339)?;
        let (id, size) = (number.wrapping_mul(2_654_435_761) % 100_000, number % 5_000);
        let text = match number {
            0 => "php|out|a needle-in-a-haystack".to_owned(),
            _ if number.is_multiple_of(100) => format!("php|error|request {id}: timeout after {size} ms"),
            _ => format!(
                "web|access|10.208.{}.{} \"GET /shop/item/{id}.php HTTP/1.1\" 200 {size} B 0.0{id} s",
                id % 16,
                id % 250
            ),
        };
        writeln!(frame, "{at} {text}")?;
        if frame.len() >= FRAME_BYTES || number + 1 == LINES {
            plain.write_all(frame.as_bytes())?;
            kept.write_all(&zstd::encode_all(frame.as_bytes(), 3)?)?;
            frame.clear();
        }
    }
    Ok(())
}
