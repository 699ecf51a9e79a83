//! One caller cannot use up what others need: the limits hold for all connections of an identity or
//! a token together.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use phuxanh_core::delivery::identity::access::TokenHash;
use phuxanh_daemon::tls::{self, ClientFiles, ClientStream, PemFile};
use phuxanh_proto::v1::{self, locality_service_client::LocalityServiceClient};
use phuxanh_tests::harness::{
    Deployment, LOADED_WITHIN, Process, Setup, connect_from, eventually, phuxanh, settings,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Request, transport::Channel};

const PER_SECOND: usize = 20;
const CONNECTION_COUNT: u8 = 3;

/// Requests that were answered over a connection, and those that came too fast.
async fn ask(server: String, token: &str, count: usize) -> anyhow::Result<(usize, usize)> {
    let channel = Channel::from_shared(server)?.connect().await?;
    let mut client = LocalityServiceClient::new(channel);
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..count {
        let mut request = Request::new(v1::GetLocalityRequest { code: "04".to_owned() });
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        match client.get_locality(request).await {
            Ok(_) => answered += 1,
            Err(status) if status.code() == Code::ResourceExhausted => {
                ensure!(status.message().starts_with("from this identity more"), "{status}");
                refused += 1;
            }
            Err(status) => return Err(status.into()),
        }
    }
    Ok((answered, refused))
}

#[tokio::test]
async fn a_token_has_one_pace_over_all_its_connections() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let access = folder.path().join("access.toml");
    let tokens = ["a-token-of-a-busy-tool", "a-token-of-another-tool"];
    let rows = tokens.map(|token| {
        let hash = TokenHash::of(token);
        format!("[[callers]]\nname = \"{token}\"\nrole = \"viewer\"\ntoken_sha256 = \"{hash}\"\n")
    });
    fs::write(&access, format!("format = 1\n{}", rows.concat()))?;
    let aggregator = settings(&[
        ("ACCESS_FILE", &access.display().to_string()),
        ("LIMITS__REQUESTS_PER_SECOND_MAX", &PER_SECOND.to_string()),
    ]);
    let deployment = Deployment::start_with(&[], &Setup { aggregator, ..Setup::default() }).await?;
    let server = || deployment.server().to_owned();
    // No connection comes too fast alone.
    let asking = (0..10).map(|_| ask(server(), tokens[0], PER_SECOND / 2));
    let found = try_join_all(asking).await?;
    let (answered, refused) = found.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    ensure!(answered >= PER_SECOND && refused > 0, "{answered} answered, {refused} refused");
    let other = ask(server(), tokens[1], PER_SECOND / 2).await?;
    ensure!(other == (PER_SECOND / 2, 0), "{other:?}");
    Ok(())
}

/// Opens a connection from an address of this machine, and waits for the first frame of HTTP/2.
async fn open(
    server: &str,
    from: u8,
    files: &ClientFiles,
) -> anyhow::Result<ClientStream<TcpStream>> {
    let stream = connect_from(from, &server.replace("https", "http")).await?;
    let config = files.load().map_err(|fault| anyhow::anyhow!(fault.message))?;
    let mut secured = tls::connect(config, "127.0.0.1", stream).await?;
    secured.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let mut frame = [0; 9];
    secured.read_exact(&mut frame).await?;
    Ok(secured)
}

#[tokio::test]
async fn a_certificate_has_its_connections_wherever_they_come_from() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let pki = |arguments: &[&str]| {
        let dir = path("").display().to_string();
        let output = phuxanh(&[&["pki"], arguments, &["--dir", &dir]].concat())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    pki(&["init", "--trust-domain", "egov.example"])?;
    pki(&["issue", "server", "--ip", "127.0.0.1"])?;
    let mut files = BTreeMap::new();
    for province in ["04", "96"] {
        pki(&["issue", "collector", "--province", province])?;
        let named = |setting, name: String| PemFile { setting, path: path(&name) };
        let found = ClientFiles::new(
            Some(named("authorities", "authority.pem".to_owned())),
            Some(named("certificate", format!("collector-{province}-main.pem"))),
            Some(named("key", format!("collector-{province}-main-key.pem"))),
        );
        files.insert(province, found.map_err(|fault| anyhow::anyhow!(fault.message))?);
    }
    let text = |name: &str| path(name).display().to_string();
    let aggregator = settings(&[
        ("TLS__CERTIFICATE_FILE", &text("server.pem")),
        ("TLS__KEY_FILE", &text("server-key.pem")),
        ("TLS__CLIENT_AUTHORITIES_FILE", &text("authority.pem")),
        ("TLS__TRUST_DOMAIN", "egov.example"),
        ("LIMITS__CONNECTIONS_PER_ADDRESS_MAX", &CONNECTION_COUNT.to_string()),
    ]);
    let deployment = Deployment::start_with(&[], &Setup { aggregator, ..Setup::default() }).await?;
    let server = deployment.secured_server()?;
    let mut kept = Vec::new();
    for last in 0..CONNECTION_COUNT {
        kept.push(open(server, last + 1, &files["04"]).await?);
    }
    let beyond = open(server, 200, &files["04"]).await;
    ensure!(beyond.is_err(), "a connection too many is open");
    deployment.says(&Process::Aggregator, "connections_per_address_max, of one identity").await?;
    open(server, 200, &files["96"]).await.context("another identity")?;
    kept.pop();
    eventually("a place is free again", LOADED_WITHIN, async || {
        open(server, 200, &files["04"]).await.map(drop)
    })
    .await
}
