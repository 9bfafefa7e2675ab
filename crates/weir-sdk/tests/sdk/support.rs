//! A file to log into, and a server that answers as a test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::FromSql;
use serde_json::Value;
use weir_sdk::ObservabilityLogger;

pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A logger into a file of its own.
pub(crate) struct Logged {
    pub(crate) logger: ObservabilityLogger,
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Logged {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("observability.db");
        Self::of(ObservabilityLogger::open(&path).unwrap(), path, folder)
    }

    pub(crate) fn of(logger: ObservabilityLogger, path: PathBuf, folder: tempfile::TempDir) -> Self {
        Self { logger, path, _folder: folder }
    }

    /// The file, when all that was logged is in it.
    pub(crate) fn database(&self) -> Connection {
        assert!(self.logger.flush(LONG), "{:?}", self.logger.stats());
        Connection::open(&self.path).unwrap()
    }

    /// The only value of a query.
    pub(crate) fn one<T: FromSql>(&self, sql: &str) -> T {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Every row of a query, as texts.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |value: rusqlite::types::Value| match value {
            rusqlite::types::Value::Null => "-".to_owned(),
            rusqlite::types::Value::Integer(n) => n.to_string(),
            rusqlite::types::Value::Real(n) => n.to_string(),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Blob(bytes) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
        };
        let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n).map(text)).collect()).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

/// A request that a server got.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A server on a free port that answers its requests one after the other with what it was given, and then no more.
pub(crate) struct Answers {
    pub(crate) address: SocketAddr,
    asked: mpsc::Receiver<Asked>,
}

impl Answers {
    pub(crate) fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read(&mut stream);
                stream.write_all(answer.as_bytes()).unwrap();
                drop(stream);
                if tell.send(request).is_err() {
                    return;
                }
            }
        });
        Self { address, asked }
    }

    /// The next request, when it was answered.
    pub(crate) fn next(&self) -> Asked {
        self.asked.recv_timeout(LONG).unwrap()
    }
}

/// An answer as it goes over the wire.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

fn read(stream: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    let mut piece = [0; 8_192];
    loop {
        let n = stream.read(&mut piece).unwrap();
        assert!(n > 0, "the request broke off");
        bytes.extend_from_slice(&piece[..n]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if bytes.len() >= end + 4 + length {
            let body = serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default();
            return Asked { head, body };
        }
    }
}
