//! The operator's end: asks the daemon, or opens the file where none runs.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use phuxanh_daemon::clock::Clock;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{Asked, REPLY_BYTES_MAX, Reply, Request, SOCKET, server::read_line};
use crate::spool::{self, OpenError, Spool};

/// Longest wait for the daemon, which may be walking a large spool.
const REPLY_TIMEOUT: Duration = Duration::from_mins(2);

/// Reason why an operator gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the collector that runs on {directory} does not answer")]
    Daemon { directory: String, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{0}")]
    Failed(String),
}

/// A way to a spool.
pub enum Access {
    /// Through the collector that runs on this directory.
    Daemon(PathBuf),
    /// Through the spool's file; no collector can start on it meanwhile.
    File { spool: Spool, asked: Box<Asked> },
}

impl Access {
    /// Finds the daemon of a data directory, or opens its spool.
    pub async fn open(
        directory: &Path,
        config: spool::Config,
        clock: Clock,
    ) -> Result<Self, Error> {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        match UnixStream::connect(directory.join(SOCKET)).await {
            Ok(_) => Ok(Self::Daemon(directory.to_owned())),
            Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => {
                let spool = spool::open_existing(directory, config, clock)?;
                let asked = Asked::without_daemon(spool.handle.clone(), directory.to_owned());
                Ok(Self::File { spool, asked: Box::new(asked) })
            }
            Err(source) => Err(failed(directory)(source)),
        }
    }

    /// Asks one thing.
    pub async fn ask(&self, request: Request) -> Result<Reply, Error> {
        let reply = match self {
            Self::Daemon(directory) => timeout(REPLY_TIMEOUT, ask_daemon(directory, &request))
                .await
                .unwrap_or_else(|late| Err(late.into()))
                .map_err(failed(directory))?,
            Self::File { asked, .. } => asked.answer(request).await,
        };
        match reply {
            Reply::Failed { message } => Err(Error::Failed(message)),
            reply => Ok(reply),
        }
    }

    /// Closes a file in order.
    pub async fn close(self) -> Result<(), Error> {
        let Self::File { spool: Spool { handle, end, .. }, asked } = self else { return Ok(()) };
        drop((handle, asked));
        match end.await {
            Ok(ended) => ended.map_err(|error| Error::Open(error.into())),
            Err(_) => Err(Error::Failed("the spool has ended without a word".to_owned())),
        }
    }
}

async fn ask_daemon(directory: &Path, request: &Request) -> io::Result<Reply> {
    let mut stream = BufReader::new(UnixStream::connect(directory.join(SOCKET)).await?);
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(serde_json::from_slice(&read_line(&mut stream, REPLY_BYTES_MAX).await?)?)
}

fn failed(directory: &Path) -> impl FnOnce(io::Error) -> Error {
    let directory = directory.display().to_string();
    move |source| Error::Daemon { directory, source }
}
