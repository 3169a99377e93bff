//! A client over HTTP/1.1 that costs little itself, the same one for both sides of every ratio.

use anyhow::{Context, Result, bail};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep_until, timeout},
};

/// Longest wait for one answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Where to ask, and what.
#[derive(Debug, Clone)]
pub struct Page {
    /// Address to connect to.
    pub address: SocketAddr,
    /// The whole head of the request, without the empty line.
    head: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body, still in chunks if it came so.
    pub body: Vec<u8>,
}

impl Page {
    /// A page behind the public entry or anything else on this machine.
    pub fn local(port: u16, host: &str, path: &str) -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), host, path)
    }

    /// A page at an address.
    pub fn at(address: SocketAddr, host: &str, path: &str) -> Self {
        Self { address, head: format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n") }
    }

    /// A page of the address that the API gives for a service, such as `http://blog.ada.localhost:7780/`.
    pub fn public(address: &str, path: &str) -> Result<Self> {
        let url = reqwest::Url::parse(address)?;
        let host = url.host_str().context("an address has a host")?;
        Ok(Self::local(url.port().unwrap_or(80), host, path))
    }

    /// With another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.head = format!("{}{name}: {value}\r\n", self.head);
        self
    }
}

/// One connection, opened when needed.
pub struct Connection {
    page: Page,
    stream: Option<TcpStream>,
}

impl Connection {
    /// Nothing is opened yet.
    pub fn new(page: Page) -> Self {
        Self { page, stream: None }
    }

    /// Asks once; on the same connection as before where the other side allows it.
    pub async fn ask(&mut self) -> Result<Answer> {
        let answer = timeout(LIMIT, self.ask_within()).await.unwrap_or_else(|_| bail!("no answer within {LIMIT:?}"));
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    async fn ask_within(&mut self) -> Result<Answer> {
        let request = format!("{}\r\n", self.page.head);
        let kept = self.stream.take();
        let reused = kept.is_some();
        let stream = match kept {
            Some(stream) => stream,
            None => connect(self.page.address).await?,
        };
        match exchange(stream, &request).await {
            Ok((answer, stream)) => {
                self.stream = stream;
                Ok(answer)
            }
            // A kept connection may have been closed just now, as every HTTP client knows: once more on a fresh one.
            Err(_) if reused => {
                let (answer, stream) = exchange(connect(self.page.address).await?, &request).await?;
                self.stream = stream;
                Ok(answer)
            }
            Err(error) => Err(error),
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn exchange(mut stream: TcpStream, request: &str) -> Result<(Answer, Option<TcpStream>)> {
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::with_capacity(4096);
    let head_end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("closed before an answer came");
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: Option<usize> = header("content-length:").and_then(|length| length.parse().ok());
    let chunked = header("transfer-encoding:").is_some_and(|coding| coding.contains("chunked"));
    let closes = header("connection:").is_some_and(|connection| connection.contains("close"));
    let mut body = bytes.split_off(head_end);
    let is_whole = |body: &[u8]| match length {
        Some(length) => body.len() >= length,
        None => chunked && (body.ends_with(b"\r\n0\r\n\r\n") || body == b"0\r\n\r\n"),
    };
    while !is_whole(&body) {
        if stream.read_buf(&mut body).await? == 0 {
            if length.is_none() && !chunked {
                return Ok((Answer { status, body }, None));
            }
            bail!("closed in the middle of an answer");
        }
    }
    Ok((Answer { status, body }, (!closes).then_some(stream)))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// What a load saw.
#[derive(Debug, Default)]
pub struct Load {
    /// Milliseconds of every good answer.
    pub good: Vec<f64>,
    /// Everything else, in words.
    pub lost: Vec<String>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Load {
    /// Good answers per second.
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    pub fn per_second(&self) -> f64 {
        self.good.len() as f64 / self.seconds.max(0.001)
    }

    async fn of(mut tasks: JoinSet<Load>, started: Instant) -> Self {
        let mut all = Self::default();
        while let Some(part) = tasks.join_next().await {
            let mut part = part.unwrap_or_default();
            all.good.append(&mut part.good);
            all.lost.append(&mut part.lost);
        }
        all.seconds = started.elapsed().as_secs_f64();
        all
    }

    fn note(&mut self, asked: Instant, answer: Result<Answer>) {
        match answer {
            Ok(answer) if answer.status == 200 => self.good.push(crate::figures::ms(asked.elapsed())),
            Ok(answer) => self.lost.push(format!("status {}", answer.status)),
            Err(error) => self.lost.push(format!("{error:#}")),
        }
    }
}

/// As many requests as `connections` can do for a while, each asking again as soon as it has its answer.
pub async fn closed_loop(page: &Page, connections: usize, duration: Duration) -> Load {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::new(page.clone());
        tasks.spawn(async move {
            let mut load = Load::default();
            while started.elapsed() < duration {
                let asked = Instant::now();
                let answer = connection.ask().await;
                load.note(asked, answer);
            }
            load
        });
    }
    Load::of(tasks, started).await
}

/// A fixed number of requests per second, whatever the answers do: times count from when a request was due.
pub async fn open_loop(page: &Page, per_second: u32, duration: Duration) -> Load {
    /// Requests that may be under way at a time. Fewer would slow the load down with the server.
    const CONNECTIONS: u32 = 50;
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..CONNECTIONS {
        let mut connection = Connection::new(page.clone());
        tasks.spawn(async move {
            let mut load = Load::default();
            let mut turn = 0;
            loop {
                let due = started + Duration::from_secs(1) * (number + turn * CONNECTIONS) / per_second;
                if due.duration_since(started) >= duration {
                    return load;
                }
                sleep_until(due.into()).await;
                let answer = connection.ask().await;
                load.note(due, answer);
                turn += 1;
            }
        });
    }
    Load::of(tasks, started).await
}

/// Asks on fresh connections until the answer is 200; gives when that was.
pub async fn first_answer(page: &Page, limit: Duration) -> Result<Instant> {
    let started = Instant::now();
    let mut last = String::new();
    while started.elapsed() < limit {
        match Connection::new(page.clone()).ask().await {
            Ok(answer) if answer.status == 200 => return Ok(Instant::now()),
            Ok(answer) => last = format!("status {}", answer.status),
            Err(error) => last = format!("{error:#}"),
        }
        // The same pause for both sides.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("no good answer within {limit:?}; last: {last}")
}

/// Waits until something accepts connections.
pub async fn first_connection(address: IpAddr, port: u16, limit: Duration) -> Result<Instant> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if timeout(Duration::from_secs(1), TcpStream::connect((address, port))).await.is_ok_and(|tried| tried.is_ok()) {
            return Ok(Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("nobody listens at {address}:{port} within {limit:?}")
}
