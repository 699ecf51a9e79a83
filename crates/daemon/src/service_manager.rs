//! The service manager that started the daemon, for example systemd (`sd_notify(3)`). It is told when the
//! daemon serves, that it still turns, and when it stops. Without one, nobody is told.

use std::{
    convert::Infallible,
    env,
    ffi::OsStr,
    future::pending,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    process,
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// Environment variable that names the manager's socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Tells that the daemon does its work.
pub fn ready() {
    tell("READY=1");
}

/// Tells that the daemon was asked to stop, or must.
pub fn stopping() {
    tell("STOPPING=1");
}

/// Gives a sign of life twice in the time after which the manager takes the daemon for dead. It is to run as
/// a task: a runtime whose threads are all stuck gives none.
pub async fn signs_of_life() -> Infallible {
    let of = |name: &str| env::var(name).ok();
    let Some(longest) = longest_silence(of("WATCHDOG_USEC"), of("WATCHDOG_PID")) else {
        return pending().await;
    };
    let mut due = interval(longest / 2);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        tell("WATCHDOG=1");
    }
}

/// Longest silence that the manager bears; `None` where it watches nothing, or another process.
fn longest_silence(micros: Option<String>, process: Option<String>) -> Option<Duration> {
    let is_own = process.is_none_or(|id| id == process::id().to_string());
    let micros = micros?.parse().ok().filter(|micros| *micros > 1 && is_own)?;
    Some(Duration::from_micros(micros))
}

fn tell(state: &str) {
    let Some(socket) = env::var_os(SOCKET) else { return };
    if let Err(error) = send(&socket, state) {
        warn!(%error, socket = %socket.display(), state, "cannot tell the service manager");
    }
}

fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    // A manager that reads nothing must not hold the daemon back.
    sender.set_nonblocking(true)?;
    sender.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_for_the_process_that_it_names() {
        let silence = |micros: &str, process: Option<&str>| {
            longest_silence(Some(micros.to_owned()), process.map(ToOwned::to_owned))
        };
        let own = process::id().to_string();
        assert_eq!(silence("30000000", Some(&own)), Some(Duration::from_secs(30)));
        assert_eq!(silence("30000000", None), Some(Duration::from_secs(30)));
        assert_eq!(silence("30000000", Some("1")), None);
        assert_eq!(silence("0", None), None);
        assert_eq!(silence("soon", None), None);
        assert_eq!(longest_silence(None, None), None);
    }

    #[test]
    fn a_socket_is_a_path_or_an_abstract_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let name = format!("phuxanh-test-{}", process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).expect("a name");
        let sockets = [
            (path.as_os_str().to_owned(), UnixDatagram::bind(&path)),
            (format!("@{name}").into(), UnixDatagram::bind_addr(&abstract_name)),
        ];
        for (address, bound) in sockets {
            let bound = bound.expect("bound");
            send(&address, "READY=1").expect("sent");
            let mut told = [0; 16];
            let length = bound.recv(&mut told).expect("told");
            assert_eq!(told.get(..length), Some(&b"READY=1"[..]));
        }
    }
}
