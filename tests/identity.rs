//! Nobody speaks for another province: a certificate decides for which reporter a collector may
//! deliver, and whoever has none is refused with the reason.
//!
//! Real processes, with certificates of `phuxanh pki` and, where those would be right, of rcgen.

use std::{fs, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_proto::v1::{AlarmKind, AuditVerdict};
use phuxanh_tests::{
    harness::{
        Deployment, LOADED_WITHIN, Settings, Setup, connect_from, eventually, phuxanh, settings,
    },
    secured::{
        AGGREGATOR, Authority, DAY, Odd, collector, deployment, has_applied, id, observe, replace,
        start,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

/// Observations between two changes of certificates. The province has a commune for each.
const OBSERVED_COUNT: usize = 9;

/// Caller who must be refused.
struct Refused {
    reporter: &'static str,
    /// Certificate by its name, of this authority.
    certificate: Option<String>,
    of_stranger: bool,
    /// Told to the collector, in its log.
    told: String,
    /// Told to the operator of the aggregator, in its log.
    logged: String,
    /// Part of the alarm, where the connection names the reporter.
    alarm: Option<String>,
}

/// Callers with each certificate that may not deliver.
fn refused(authority: &Authority, stranger: &Authority) -> anyhow::Result<Vec<Refused>> {
    let own = |province: &str| id(province);
    let elsewhere = "spiffe://other.example/province/01/collector/main";
    let expired = Odd { uris: &[&own("11")], begun: DAY * 9, is_past: true, ..Odd::default() };
    let ahead =
        Odd { uris: &[&own("12")], begun: DAY, expires: DAY * 9, is_ahead: true, ..Odd::default() };
    let case = |reporter, certificate: Option<String>, told: &str, logged: &str, alarm: bool| {
        let (told, logged) = (told.to_owned(), logged.to_owned());
        let alarm = alarm.then(|| logged.clone());
        Refused { reporter, certificate, of_stranger: false, told, logged, alarm }
    };
    let other_province = "/province/04/collector/main may speak for 04, not for 96";
    let other_domain = "is of another trust domain: expected egov.example";
    let none = "no client certificate: a collector needs one for spiffe://egov.example/province";
    let nameless = "the certificate names no collector";
    let late = "it has expired or is not valid yet";
    Ok(vec![
        case("96", Some(authority.collector("04")?), other_province, other_province, true),
        case(
            "01",
            Some(authority.odd("elsewhere", &Odd { uris: &[elsewhere], ..Odd::default() })?),
            other_domain,
            other_domain,
            true,
        ),
        case("08", None, none, none, true),
        case("14", Some(authority.odd("nameless", &Odd::default())?), nameless, nameless, true),
        case("11", Some(authority.odd("expired", &expired)?), late, "certificate expired", false),
        case("12", Some(authority.odd("ahead", &ahead)?), late, "not valid yet", false),
        case("24", Some(authority.revoked("24")?), "it was revoked", "was revoked", false),
        Refused {
            of_stranger: true,
            ..case(
                "15",
                Some(stranger.collector("15")?),
                "it does not know its authority",
                "UnknownIssuer",
                false,
            )
        },
    ])
}

/// The audit log has each refusal.
async fn are_audited(deployment: &Deployment, cases: &[Refused]) -> anyhow::Result<()> {
    let logged = cases.iter().map(|case| case.logged.as_str());
    for expected in logged.chain(["plain text came where TLS", "TLS came where plain text"]) {
        eventually("the audit log has the refusal", LOADED_WITHIN, async || {
            let entries = deployment.audit_log(&AGGREGATOR)?;
            let details = entries.iter().filter_map(|entry| entry["detail"].as_str());
            ensure!(details.clone().any(|it| it.contains(expected)), "{expected}: {entries:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_deliver_is_told_why_and_nothing_is_written() -> anyhow::Result<()> {
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let cases = refused(&authority, &stranger)?;
    let mut deployment = deployment(&authority).await?;
    let (secured, plain) =
        (deployment.secured_server()?.to_owned(), deployment.server().to_owned());
    let client = deployment.client()?;
    let trusting = authority.of_collector(None);

    let mut told = Vec::new();
    for case in &cases {
        let issuer = if case.of_stranger { &stranger } else { &authority };
        let mut settings = issuer.of_collector(case.certificate.as_deref());
        settings.extend(trusting.iter().take(1).cloned());
        let process = start(&mut deployment, case.reporter, &secured, settings)?;
        told.push((process, case.reporter, case.told.as_str()));
    }
    let plain_to_tls = secured.replace("https", "http");
    let process = start(&mut deployment, "19", &plain_to_tls, Settings::new())?;
    told.push((process, "19", "plain text came where TLS is served: use https:// in the address"));
    let tls_to_plain = plain.replace("http", "https");
    let process = start(&mut deployment, "20", &tls_to_plain, trusting)?;
    told.push((
        process,
        "20",
        "the other end does not speak TLS there: use http:// for plain text",
    ));
    let deceived = stranger.of_collector(None);
    let process = start(&mut deployment, "22", &secured, deceived)?;
    told.push((process, "22", "is of an unknown authority: name its authority's file"));

    for (process, _, expected) in &told {
        deployment.says(process, expected).await?;
    }
    for case in &cases {
        deployment.says(&AGGREGATOR, &case.logged).await?;
    }
    deployment.says(&AGGREGATOR, "TLS came where plain text is served").await?;

    are_audited(&deployment, &cases).await?;

    let own = authority.of_collector(Some("collector-04-main"));
    start(&mut deployment, "04", &secured, own)?;
    observe(&deployment, 1)?;
    has_applied(&client, 1).await?;
    ensure!(collector(&client, "04").await?.alarms.is_empty());
    for (_, reporter, _) in &told {
        let found = collector(&client, reporter).await;
        let Ok(found) = found else { continue };
        let written = (found.record_count, found.applied_through, found.connected);
        ensure!(written == (0, 0, false), "{reporter}: {found:?}");
    }
    for case in &cases {
        let Some(expected) = &case.alarm else { continue };
        let alarms = collector(&client, case.reporter).await?.alarms;
        let [alarm] = &alarms[..] else { anyhow::bail!("{}: {alarms:?}", case.reporter) };
        ensure!(alarm.kind() == AlarmKind::IdentityRefused, "{alarm:?}");
        let is_named = alarm.detail.contains(expected) && alarm.detail.starts_with("127.0.0.1: ");
        ensure!(is_named, "{alarm:?}");
    }
    Ok(())
}

#[tokio::test]
async fn earlier_versions_of_tls_are_refused_with_the_reason() -> anyhow::Result<()> {
    /// Fatal alerts protocol_version and handshake_failure (RFC 5246, 7.2).
    const PROTOCOL_VERSION: [u8; 2] = [2, 70];
    const HANDSHAKE_FAILURE: [u8; 2] = [2, 40];
    let authority = Authority::new()?;
    let deployment = deployment(&authority).await?;
    let plain = deployment.secured_server()?.replace("https", "http");
    for version in [[3, 1], [3, 2]] {
        for (has_signatures, expected) in [(true, PROTOCOL_VERSION), (false, HANDSHAKE_FAILURE)] {
            let mut stream = connect_from(2, &plain).await?;
            stream.write_all(&client_hello(version, has_signatures)).await?;
            let mut answer = Vec::new();
            timeout(LOADED_WITHIN, stream.read_to_end(&mut answer)).await??;
            let [21, 3, _, 0, 2, alert @ ..] = &answer[..] else { anyhow::bail!("{answer:?}") };
            ensure!(alert == expected, "{version:?} {has_signatures}: {answer:?}");
        }
    }
    deployment.says(&AGGREGATOR, "the two ends have no version of TLS in common: 1.2 or 1.3").await
}

/// First record of a client that speaks no later version than this one (RFC 4346, 7.4.1.2). Signature
/// algorithms are of TLS 1.2; some clients name them all the same.
fn client_hello(version: [u8; 2], has_signatures: bool) -> Vec<u8> {
    let framed = |head: &[u8], body: &[u8], length_bytes: usize| {
        let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
        [head, &length[4 - length_bytes..], body].concat()
    };
    let suites = [0xc0, 0x13, 0xc0, 0x09, 0x00, 0x2f];
    // Groups secp256r1 and secp384r1, and uncompressed points.
    let mut extensions = vec![0, 10, 0, 6, 0, 4, 0, 23, 0, 24, 0, 11, 0, 2, 1, 0];
    if has_signatures {
        extensions.extend([0, 13, 0, 4, 0, 2, 4, 3]);
    }
    let random = [7; 32];
    let (suites, extensions) = (framed(&[], &suites, 2), framed(&[], &extensions, 2));
    let hello = [&version[..], &random, &[0], &suites, &[1, 0], &extensions].concat();
    framed(&[22, 3, 1], &framed(&[1], &hello, 3), 2)
}

#[tokio::test]
async fn the_command_line_verifies_the_server_and_says_what_to_do() -> anyhow::Result<()> {
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let deployment = deployment(&authority).await?;
    let secured = deployment.secured_server()?;
    let ask = |server: &str, options: &[&str]| {
        let output = phuxanh(&[&["--server", server, "catalogue"], options].concat())?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok::<_, anyhow::Error>((output.status.code(), told))
    };
    let trusted = authority.text("authority.pem");
    let (code, told) = ask(secured, &["--tls-authorities", &trusted])?;
    ensure!(code == Some(0), "{told}");
    let untrusted = stranger.text("authority.pem");
    let missing = authority.text("missing.pem");
    let plain_to_tls = secured.replace("https", "http");
    let tls_to_plain = deployment.server().replace("http", "https");
    let cases = [
        (secured, &untrusted, 69, "is of an unknown authority: name its authority's file"),
        (secured, &missing, 2, "--tls-authorities: "),
        (&plain_to_tls, &trusted, 1, "plain text came where TLS is served: use https://"),
        (&tls_to_plain, &trusted, 69, "the other end does not speak TLS there: use http://"),
    ];
    for (server, authorities, expected, message) in cases {
        let (code, told) = ask(server, &["--tls-authorities", authorities])?;
        ensure!(code == Some(expected) && told.contains(message), "{code:?} {told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_with_its_certificate_and_comes_back_with_the_next() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let mut deployment = deployment(&authority).await?;
    let (client, secured) = (deployment.client()?, deployment.secured_server()?.to_owned());
    let own = id("04");
    let brief = Odd { uris: &[&own], expires: Duration::from_secs(8), ..Odd::default() };
    let name = authority.odd("brief", &brief)?;
    let process = start(&mut deployment, "04", &secured, authority.of_collector(Some(&name)))?;
    observe(&deployment, 1)?;
    has_applied(&client, 1).await?;
    deployment.says(&AGGREGATOR, "expired at").await?;
    deployment.says(&process, "the aggregator refuses this collector").await?;
    observe(&deployment, 2)?;
    let found = collector(&client, "04").await?;
    ensure!(found.alarms.iter().any(|it| it.kind() == AlarmKind::IdentityRefused), "{found:?}");
    ensure!(found.ledger.is_some_and(|ledger| ledger.applied_count == 1), "{:?}", found.ledger);
    authority.pki(&["renew", &authority.text("brief.pem")])?;
    has_applied(&client, 2).await
}

#[tokio::test]
async fn certificates_and_the_authority_change_under_load_and_nothing_is_lost() -> anyhow::Result<()>
{
    let (former, next) = (Authority::new()?, Authority::new()?);
    let name = former.collector("04")?;
    next.collector("04")?;
    let mut deployment = deployment(&former).await?;
    let (client, secured) = (deployment.client()?, deployment.secured_server()?.to_owned());
    let mut own = former.of_collector(Some(&name));
    own.extend(settings(&[("DELIVERY__STREAM_AGE_MAX", "1s")]));
    let process = start(&mut deployment, "04", &secured, own)?;
    let mut observed = 0;
    let mut go_on = async |deployment: &Deployment| {
        for _ in 0..OBSERVED_COUNT {
            observed += 1;
            observe(deployment, observed)?;
        }
        has_applied(&client, u64::try_from(observed)?).await
    };
    go_on(&deployment).await?;
    let read_again = async |deployment: &Deployment, times: usize| {
        for process in [&AGGREGATOR, &process] {
            eventually("the files are read again", LOADED_WITHIN, async || {
                let log = deployment.log(process)?;
                let count = log.matches("TLS files read again").count();
                ensure!(count >= times, "{process:?}: {count} times");
                Ok(())
            })
            .await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    for file in ["server.pem", &format!("{name}.pem")] {
        former.pki(&["renew", &former.text(file)])?;
    }
    read_again(&deployment, 1).await?;
    go_on(&deployment).await?;

    // Both trust both, then both show what the next authority issued, then neither trusts the former.
    let read = |authority: &Authority, name: &str| fs::read_to_string(authority.path(name));
    let read_former = read(&former, "authority.pem")?;
    let both = format!("{read_former}{}", read(&next, "authority.pem")?);
    replace(&former.path("authority.pem"), &both)?;
    read_again(&deployment, 2).await?;
    go_on(&deployment).await?;
    for name in ["server", &name] {
        for file in [format!("{name}-key.pem"), format!("{name}.pem")] {
            replace(&former.path(&file), &read(&next, &file)?)?;
        }
    }
    read_again(&deployment, 3).await?;
    go_on(&deployment).await?;
    // The aggregator shows the next certificate, and trusts the collector's only if that is the next.
    let kept = former.text("former.pem");
    fs::write(&kept, read_former)?;
    replace(&former.path("authority.pem"), &read(&next, "authority.pem")?)?;
    read_again(&deployment, 4).await?;
    go_on(&deployment).await?;
    let new = next.text("authority.pem");
    ensure!(is_trusted_by(&secured, &new)? && !is_trusted_by(&secured, &kept)?);

    replace(&former.path("server.pem"), "half a file")?;
    let expected = "TLS files refused: what was read before stays in use";
    deployment.says(&AGGREGATOR, expected).await?;
    go_on(&deployment).await?;
    let audit = client.audits().await?.into_iter().find(|audit| audit.reporter == "04");
    let verdict = audit.context("04 is not audited")?.verdict();
    ensure!(verdict != AuditVerdict::Disagrees, "{verdict:?}");
    Ok(())
}

#[tokio::test]
async fn handshakes_that_never_end_delay_nobody_and_are_ended() -> anyhow::Result<()> {
    const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
    let authority = Authority::new()?;
    let mut aggregator = authority.of_server();
    aggregator.extend(settings(&[
        ("LIMITS__CONNECTION_COUNT_MAX", "16"),
        ("LIMITS__CONNECTIONS_PER_ADDRESS_MAX", "12"),
        ("TLS__HANDSHAKE_TIMEOUT", "3s"),
    ]));
    let setup = Setup { aggregator, ..Setup::default() };
    let deployment = Deployment::start_with(&[], &setup).await?;
    let secured = deployment.secured_server()?;
    let plain = secured.replace("https", "http");
    let opened = Instant::now();
    let mut silent = Vec::new();
    for number in 0..40 {
        let mut stream = connect_from(2 + number % 3, &plain).await?;
        if number % 2 == 0 {
            // The head of a record that does not follow.
            stream.write_all(&[0x16, 3, 1, 1, 0]).await?;
        }
        silent.push(stream);
    }
    let trusted = authority.text("authority.pem");
    let output = phuxanh(&["--server", secured, "--tls-authorities", &trusted, "catalogue"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for mut stream in silent {
        let within = (HANDSHAKE_TIMEOUT * 4).saturating_sub(opened.elapsed());
        let closed = timeout(within, stream.read(&mut [0; 64])).await?;
        ensure!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    }
    deployment.says(&AGGREGATOR, "no TLS handshake within tls.handshake_timeout").await?;
    deployment.says(&AGGREGATOR, "limits.connection_count_max").await
}

/// True if the command line trusts a server by the authorities of a file.
fn is_trusted_by(server: &str, authorities: &str) -> anyhow::Result<bool> {
    let ask = ["--server", server, "--tls-authorities", authorities, "catalogue"];
    Ok(phuxanh(&ask)?.status.success())
}
