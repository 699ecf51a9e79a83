//! The daemon's end: a socket that only its own user may open.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use super::{Asked, REPLY_BYTES_MAX, REQUEST_BYTES_MAX, Reply, Request, SOCKET};

/// Longest time for a request to arrive, and for a reply to be taken.
const PEER_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait after an accept that failed, as for want of file descriptors.
const ACCEPT_WAIT: Duration = Duration::from_secs(1);

/// A socket that is bound and not served yet.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    directory: PathBuf,
}

impl Server {
    /// Binds the socket of a data directory, whose spool the caller has open: a socket that lies
    /// there is a dead collector's.
    pub fn bind(directory: &Path) -> io::Result<Self> {
        // Made where nobody else can reach it, so that it is never open to others.
        let hidden = directory.join(".control");
        remove_directory(&hidden)?;
        DirBuilder::new().mode(0o700).create(&hidden)?;
        let made = hidden.join(SOCKET);
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        fs::rename(&made, directory.join(SOCKET))?;
        fs::remove_dir(&hidden)?;
        Ok(Self { listener, directory: directory.to_owned() })
    }

    /// Answers one request after another until `shutdown`, and takes the socket away.
    pub async fn serve(self, asked: Asked, shutdown: impl Future<Output = ()> + Send) {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = self.serve_one(&asked) => {}
            }
        }
        if let Err(error) = fs::remove_file(self.directory.join(SOCKET)) {
            debug!(%error, "the control socket is gone already");
        }
    }

    async fn serve_one(&self, asked: &Asked) {
        match self.listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = converse(stream, asked).await {
                    debug!(%error, "a control connection broke");
                }
            }
            Err(error) => {
                warn!(%error, "the control socket accepts nothing");
                sleep(ACCEPT_WAIT).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, asked: &Asked) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let reply = match timeout(PEER_TIMEOUT, read_line(&mut stream, REQUEST_BYTES_MAX)).await? {
        Ok(line) => match serde_json::from_slice::<Request>(&line) {
            Ok(request) => asked.answer(request).await,
            Err(error) => Reply::Failed { message: format!("not a request: {error}") },
        },
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Reply::Failed { message: format!("a request has at most {REQUEST_BYTES_MAX} bytes") }
        }
        Err(error) => return Err(error),
    };
    let mut line = serde_json::to_vec(&reply)?;
    if line.len() >= REPLY_BYTES_MAX {
        let message = "the reply is too long: ask for less".to_owned();
        line = serde_json::to_vec(&Reply::Failed { message })?;
    }
    line.push(b'\n');
    timeout(PEER_TIMEOUT, stream.write_all(&line)).await?
}

/// Reads a line of at most so many bytes.
pub(super) async fn read_line(
    stream: &mut BufReader<UnixStream>,
    bytes_max: usize,
) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let limit = u64::try_from(bytes_max).expect("64 bits fit");
    (&mut *stream).take(limit).read_until(b'\n', &mut line).await?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        Some(_) if line.len() + 1 == bytes_max => Err(io::ErrorKind::FileTooLarge.into()),
        Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
