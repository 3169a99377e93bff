//! A browser that forgives nothing: no retries, every broken connection is a failure.

use std::{
    io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// One connection.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(port: u16) -> Result<Self> {
        Self::open_at("127.0.0.1", port)
    }

    /// To an instance itself, past the entry.
    pub fn open_at(address: &str, port: u16) -> Result<Self> {
        let stream = TcpStream::connect((address, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request; `head` is its first line and headers, `\r\n` between them and none at the end.
    pub fn send(&mut self, head: &str, body: &str) -> Result<Answer> {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.0.get_mut().write_all(format!("{head}\r\n{length}\r\n{body}").as_bytes())?;
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "no status line"))?;
        let mut answer = Answer { status, headers: Vec::new(), body: String::new() };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            answer.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        answer.body = String::from_utf8_lossy(&self.body(&answer, head.starts_with("HEAD"))?).into_owned();
        Ok(answer)
    }

    /// Sends a request that asks for another protocol, and gives the status.
    pub fn upgrade(&mut self, head: &str) -> Result<u16> {
        self.0.get_mut().write_all(format!("{head}\r\n\r\n").as_bytes())?;
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        while !self.line()?.is_empty() {}
        status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "no status line"))
    }

    /// Sends bytes and gives as many as are asked for.
    pub fn exchange(&mut self, bytes: &[u8], answer: usize) -> Result<Vec<u8>> {
        self.0.get_mut().write_all(bytes)?;
        let mut received = vec![0; answer];
        self.0.read_exact(&mut received)?;
        Ok(received)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "closed without an answer"));
        }
        Ok(line.trim_end().to_owned())
    }

    fn body(&mut self, answer: &Answer, is_head: bool) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        if is_head || answer.status == 304 {
            return Ok(body);
        }
        if answer.header("Transfer-Encoding").is_some() {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16).map_err(Error::other)?;
                let start = body.len();
                body.resize(start + size, 0);
                self.0.read_exact(&mut body[start..])?;
                self.line()?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match answer.header("Content-Length").and_then(|length| length.parse().ok()) {
            Some(length) => {
                body.resize(length, 0);
                self.0.read_exact(&mut body)?;
            }
            None => {
                self.0.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }
}

/// One request on a connection of its own.
pub fn get(port: u16, host: &str, path: &str, headers: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{headers}Connection: close");
    Connection::open(port).and_then(|mut connection| connection.send(&head, "")).expect("an answer")
}

/// Visitors that do not stop: half of them on kept connections (every other one idle for a moment before it goes on, as
/// that is when a server may close), half with a fresh one per request.
pub struct Load {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    visitors: Vec<JoinHandle<()>>,
}

/// What they saw.
#[derive(Default)]
pub struct Seen {
    pub good: usize,
    pub failures: Vec<String>,
    pub bodies: Vec<(Instant, String)>,
    pub slowest: Duration,
}

impl Load {
    pub fn start(port: u16, host: &str, path: &str, visitors: usize) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let visitor = |number: usize| {
            let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
            let method = if number % 4 < 2 { "GET" } else { "POST" };
            let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}");
            let pause = Duration::from_millis(if number % 8 < 4 { 0 } else { 40 });
            std::thread::spawn(move || visit(port, &head, number.is_multiple_of(2), pause, &stop, &seen))
        };
        let visitors = (0..visitors).map(visitor).collect();
        Self { stop, seen, visitors }
    }

    /// Ends the load and returns what was seen; panics if a request failed.
    pub fn finish(self, during: &str) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        for visitor in self.visitors {
            visitor.join().expect("visitors do not panic");
        }
        let seen = std::mem::take(&mut *self.seen.lock().expect("visitors do not panic"));
        eprintln!("{during}: {} good, {} failed, slowest {:?}", seen.good, seen.failures.len(), seen.slowest);
        assert!(seen.failures.is_empty(), "{during}: {:#?}", seen.failures);
        assert!(seen.good > 20, "{during}: only {} requests", seen.good);
        seen
    }
}

fn visit(port: u16, head: &str, keep: bool, pause: Duration, stop: &AtomicBool, seen: &Mutex<Seen>) {
    let mut kept = None;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(pause);
        let started = Instant::now();
        let was_kept = kept.is_some();
        let result = kept.take().map_or_else(|| Connection::open(port), Ok).and_then(|mut connection| {
            let close = if keep { "" } else { "\r\nConnection: close" };
            let body = if head.starts_with("POST") { "a=1" } else { "" };
            let answer = connection.send(&format!("{head}{close}"), body)?;
            Ok((connection, answer))
        });
        let mut seen = seen.lock().expect("visitors do not panic");
        seen.slowest = seen.slowest.max(started.elapsed());
        match result {
            Ok((connection, answer)) if answer.status == 200 => {
                let closes = answer.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                kept = (keep && !closes).then_some(connection);
                seen.good += 1;
                seen.bodies.push((started, answer.body));
            }
            Ok((_, answer)) => seen.failures.push(format!("{}: {}", answer.status, answer.body)),
            Err(error) => seen.failures.push(format!("{error} (kept connection: {was_kept}, {head:?})")),
        }
    }
}
