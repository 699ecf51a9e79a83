//! Opens a connection behind its slot: the TLS handshake, or the preface of plain text.
//!
//! Each runs in a task of its own, so that a slow one delays nobody. Until it is done the connection
//! counts as silent.

use std::{future::poll_fn, io, time::Duration};

use phuxanh_core::delivery::identity::{Caller, TrustDomain};
use phuxanh_daemon::tls::{Acceptor, Certificate, explain};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{carrier::Carrier, refusals::Mishap, slots::Slot};

/// First byte of a TLS connection: the type of a handshake record (RFC 8446, 5.1).
pub(super) const TLS_HANDSHAKE: u8 = 0x16;
/// First byte of an HTTP/2 connection (RFC 9113, 3.4).
const HTTP2_PREFACE: u8 = b'P';
/// Time for the other end to read why its handshake failed.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_CHUNK_BYTES: usize = 4 << 10;

/// TLS of a listener, at the moment at which a connection came.
pub(super) struct Secured {
    pub(super) acceptor: Acceptor,
    pub(super) trust_domain: Option<TrustDomain>,
    pub(super) handshake_timeout: Duration,
}

/// Connection that may be served.
pub(super) struct Open {
    pub(super) carrier: Carrier,
    pub(super) slot: Slot,
    pub(super) shown: Shown,
    /// True for plain text that came where TLS is served: each request is refused with the reason.
    pub(super) is_plain_to_tls: bool,
}

/// Facts that a connection shows of its other end.
pub(super) struct Shown {
    pub(super) is_tls: bool,
    /// URI names of the certificate.
    pub(super) uris: Vec<String>,
    /// Caller whom the certificate proves.
    pub(super) caller: Caller,
}

impl Open {
    /// Connection of plain text, which proves nothing.
    pub(super) fn plain(stream: TcpStream, slot: Slot) -> Self {
        Self {
            carrier: Carrier::Plain(stream),
            slot,
            shown: Shown::plain(),
            is_plain_to_tls: false,
        }
    }
}

/// Makes a connection one of TLS. Plain HTTP/2 is opened, too, so that its requests are told why they
/// are refused.
pub(super) async fn secure(
    stream: TcpStream,
    mut slot: Slot,
    secured: Secured,
) -> Result<Open, Mishap> {
    let within = secured.handshake_timeout;
    let opened = tokio::select! {
        () = poll_fn(|context| slot.poll_close(context)) => Err(Mishap::Displaced),
        opened = timeout(within, shake(stream, secured)) => opened.unwrap_or(Err(Mishap::TooSlow)),
    };
    let (carrier, shown, is_plain_to_tls) = opened?;
    Ok(Open { carrier, slot, shown, is_plain_to_tls })
}

async fn shake(stream: TcpStream, secured: Secured) -> Result<(Carrier, Shown, bool), Mishap> {
    let mut first = [0; 1];
    let peeked = stream.peek(&mut first).await;
    if peeked.map_err(|error| Mishap::Failed(error.to_string()))? == 0 {
        return Err(Mishap::Silent);
    }
    match first {
        [TLS_HANDSHAKE] => {}
        [HTTP2_PREFACE] => return Ok((Carrier::Plain(stream), Shown::plain(), true)),
        _ => return Err(Mishap::PlainToTls),
    }
    match secured.acceptor.accept(stream).into_fallible().await {
        Ok(stream) => {
            let shown = Shown::read(&secured, stream.get_ref().1.peer_certificates())?;
            Ok((Carrier::Tls(Box::new(stream)), shown, false))
        }
        Err((error, stream)) => {
            linger(stream).await;
            Err(Mishap::Failed(explain(&error)))
        }
    }
}

impl Shown {
    const fn plain() -> Self {
        Self { is_tls: false, uris: Vec::new(), caller: Caller::Unproven }
    }

    /// Reads what a verified certificate says.
    fn read(secured: &Secured, chain: Option<&[impl AsRef<[u8]>]>) -> Result<Self, Mishap> {
        let (is_tls, uris) = (true, Vec::new());
        let Some(trust_domain) = &secured.trust_domain else {
            return Ok(Self { is_tls, uris, caller: Caller::Unproven });
        };
        let Some(shown) = chain.and_then(<[_]>::first) else {
            return Ok(Self { is_tls, uris, caller: Caller::anonymous(trust_domain.clone()) });
        };
        let shown = Certificate::read(shown.as_ref()).map_err(Mishap::Failed)?;
        let caller = Caller::certified(&shown.uris, shown.expiry, trust_domain);
        Ok(Self { is_tls, uris: shown.uris, caller })
    }
}

/// Lets the other end read the alert: closing while its bytes are unread would take the alert back.
async fn linger(mut stream: TcpStream) {
    let reading = async {
        stream.shutdown().await?;
        let mut unread = [0; LINGER_CHUNK_BYTES];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // The connection ends in any case.
    drop(timeout(LINGER, reading).await);
}
