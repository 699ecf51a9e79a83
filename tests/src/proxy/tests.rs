//! Each kind of fault, seen from both ends.

use std::{io::ErrorKind, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::*;

/// Long enough for bytes that pass, short enough to wait for those that do not.
const MOMENT: Duration = Duration::from_millis(200);

struct Both {
    listener: TcpListener,
    proxy: Proxy,
    client: TcpStream,
    server: TcpStream,
}

/// A connection through a proxy, with both of its ends in hand.
async fn both() -> Both {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let proxy = Proxy::start(&address.to_string()).await.expect("a proxy");
    let client = TcpStream::connect(proxy.address).await.expect("a connection");
    let (server, _) = listener.accept().await.expect("carried through");
    Both { listener, proxy, client, server }
}

/// Returns what arrives at an end within a moment.
async fn arriving(end: &mut TcpStream) -> Result<String, ErrorKind> {
    let mut bytes = [0; 64];
    let count = timeout(MOMENT, end.read(&mut bytes)).await.map_err(|_| ErrorKind::TimedOut)?;
    let count = count.map_err(|error| error.kind())?;
    Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

async fn send(end: &mut TcpStream, text: &str) {
    end.write_all(text.as_bytes()).await.expect("it is taken");
}

#[tokio::test]
async fn bytes_and_the_end_of_a_stream_pass_both_ways() {
    let Both { proxy, mut client, mut server, .. } = both().await;
    send(&mut client, "hello").await;
    assert_eq!(arriving(&mut server).await, Ok("hello".to_owned()));
    send(&mut server, "welcome").await;
    assert_eq!(arriving(&mut client).await, Ok("welcome".to_owned()));
    assert_eq!(proxy.connection_count(), 1);
    assert_eq!([Direction::Up, Direction::Down].map(|way| proxy.byte_count(way)), [5, 7]);
    client.shutdown().await.expect("open");
    assert_eq!(arriving(&mut server).await, Ok(String::new()));
    send(&mut server, "more").await;
    assert_eq!(arriving(&mut client).await, Ok("more".to_owned()));
}

#[tokio::test]
async fn what_was_stalled_one_way_arrives_after_all() {
    let Both { proxy, mut client, mut server, .. } = both().await;
    proxy.set(Direction::Up, Flow::Stalled);
    send(&mut client, "late").await;
    send(&mut server, "in time").await;
    assert_eq!(arriving(&mut server).await, Err(ErrorKind::TimedOut));
    assert_eq!(arriving(&mut client).await, Ok("in time".to_owned()));
    proxy.heal();
    assert_eq!(arriving(&mut server).await, Ok("late".to_owned()));
}

#[tokio::test]
async fn a_connection_that_lost_bytes_stays_half_open_and_a_new_one_does_not() {
    let Both { listener, proxy, mut client, mut server } = both().await;
    proxy.set(Direction::Up, Flow::Dropped);
    send(&mut client, "lost").await;
    assert_eq!(arriving(&mut server).await, Err(ErrorKind::TimedOut));
    proxy.heal();
    send(&mut client, "lost too").await;
    drop(client);
    assert_eq!(arriving(&mut server).await, Err(ErrorKind::TimedOut));
    assert_eq!(proxy.byte_count(Direction::Up), 12);
    let mut client = TcpStream::connect(proxy.address).await.expect("a connection");
    let (mut server, _) = listener.accept().await.expect("carried through");
    send(&mut client, "whole").await;
    assert_eq!(arriving(&mut server).await, Ok("whole".to_owned()));
}

#[tokio::test]
async fn a_reset_tears_the_next_bytes_apart() {
    let Both { proxy, mut client, mut server, .. } = both().await;
    proxy.reset_mid_frame(Direction::Up);
    send(&mut server, "unharmed").await;
    assert_eq!(arriving(&mut client).await, Ok("unharmed".to_owned()));
    send(&mut client, "half a frame").await;
    assert_eq!(arriving(&mut server).await, Ok("half a".to_owned()));
    assert_eq!(arriving(&mut server).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(arriving(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(proxy.reset_count(), 1);
}

#[tokio::test]
async fn a_slow_direction_takes_its_time() {
    let Both { proxy, mut client, mut server, .. } = both().await;
    proxy.set(Direction::Up, Flow::Slow { bytes_per_second: 1_000 });
    let began = Instant::now();
    let bytes = [7; 400];
    client.write_all(&bytes).await.expect("it is taken");
    let mut arrived = [0; 400];
    server.read_exact(&mut arrived).await.expect("in the end");
    assert_eq!(arrived, bytes);
    // Eight portions, the first two of which do not wait.
    assert!(began.elapsed() >= Duration::from_millis(290), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_cut_ends_what_is_open_and_nothing_later() {
    let Both { listener: _listener, proxy, mut client, mut server } = both().await;
    proxy.cut();
    assert_eq!(arriving(&mut client).await, Ok(String::new()));
    assert_eq!(arriving(&mut server).await, Ok(String::new()));
    let mut client = TcpStream::connect(proxy.address).await.expect("a connection");
    assert_eq!(arriving(&mut client).await, Err(ErrorKind::TimedOut));
    assert_eq!(proxy.connection_count(), 2);
}
