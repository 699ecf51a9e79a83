//! Files of a throw-away authority, read and used for handshakes in memory.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use phuxanh_core::delivery::identity::Distrust;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use tokio::{io::duplex, sync::watch, time::timeout};

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

const PIPE_BYTES: usize = 64 << 10;
const URI: &str = "spiffe://egov.example/province/04/collector/main";
const WITHIN: Duration = Duration::from_secs(20);

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed")
}

/// Writes a certificate for localhost with its key.
fn issue(authority: &Authority, folder: &Path, name: &str) -> (PemFile, PemFile) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.subject_alt_names.push(SanType::URI(URI.try_into().expect("a URI")));
    params.not_after = date_time_ymd(2100, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("signed");
    let file = |setting, suffix: &str, pem: String| {
        let path = folder.join(format!("{name}{suffix}.pem"));
        fs::write(&path, pem).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        PemFile { setting, path }
    };
    (
        file("tls.certificate_file", "", certificate.pem()),
        file("tls.key_file", "-key", key.serialize_pem()),
    )
}

fn anchors(authority: &Authority, folder: &Path, name: &str) -> PemFile {
    let path = folder.join(name);
    fs::write(&path, authority.pem()).expect("written");
    PemFile { setting: "tls.authorities_file", path }
}

/// Folder with the files of a server and of a client of one authority.
fn pair() -> (tempfile::TempDir, ServerFiles, ClientFiles) {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = authority("centre");
    let (certificate, key) = issue(&authority, folder.path(), "server");
    let anchors = anchors(&authority, folder.path(), "authority.pem");
    let client_authorities = Some(anchors.clone());
    let server = ServerFiles { certificate, key, client_authorities, revocations: None };
    let own = issue(&authority, folder.path(), "client");
    (folder, server, ClientFiles { authorities: Some(anchors), own: Some(own) })
}

/// Certificate that the client showed, or why the two ends refuse each other.
async fn handshake(
    server: Arc<Loaded>,
    client: Arc<ClientConfig>,
) -> Result<Option<Certificate>, String> {
    let (here, there) = duplex(PIPE_BYTES);
    let accepting = Acceptor::from(Arc::clone(&server.config)).accept(there);
    let (accepted, connected) = tokio::join!(accepting, connect(client, "localhost", here));
    connected.map_err(|error| error.to_string())?;
    let accepted = accepted.map_err(|error| error.to_string())?;
    let shown = accepted.get_ref().1.peer_certificates().and_then(<[_]>::first);
    Ok(shown.map(|shown| Certificate::read(shown).expect("it is read")))
}

#[tokio::test]
async fn a_client_proves_the_names_of_its_certificate() {
    let (_folder, server, mut client) = pair();
    let load = |client: &ClientFiles| client.load().expect("loaded");
    let loaded = server.load().expect("loaded");
    let shown = handshake(Arc::clone(&loaded), load(&client)).await.expect("both agree");
    let shown = shown.expect("it is shown");
    assert_eq!(shown.uris, [URI]);
    assert_eq!(shown.expiry.to_string(), "2100-01-01T07:00:00+07:00");
    client.own = None;
    assert_eq!(handshake(loaded, load(&client)).await, Ok(None));
}

#[tokio::test]
async fn another_authority_is_refused_by_either_end() {
    let (folder, server, client) = pair();
    let stranger = authority("stranger");
    let loaded = server.load().expect("loaded");
    let mut deceived = client.clone();
    deceived.authorities = Some(anchors(&stranger, folder.path(), "stranger.pem"));
    let refused = handshake(Arc::clone(&loaded), deceived.load().expect("loaded")).await;
    let refused = refused.expect_err("the server is unknown");
    assert!(refused.contains("of an unknown authority: name its authority's file"), "{refused}");
    let mut unknown = client;
    unknown.own = Some(issue(&stranger, folder.path(), "unknown"));
    let refused = handshake(loaded, unknown.load().expect("loaded")).await;
    let refused = refused.expect_err("the client is unknown");
    assert!(refused.contains("UnknownIssuer"), "{refused}");
}

#[test]
fn a_fault_names_the_setting_the_file_and_what_was_expected() {
    let (folder, files, client) = pair();
    let told = |files: &ServerFiles| files.load().expect_err("refused").to_string();
    let path = |name: &str| folder.path().join(name).display().to_string();

    let mut missing = files.clone();
    missing.certificate.path = folder.path().join("missing.pem");
    let expected = format!("tls.certificate_file: {}: No such file", path("missing.pem"));
    assert!(told(&missing).starts_with(&expected), "{}", told(&missing));

    let mut swapped = files.clone();
    swapped.certificate.path = folder.path().join("server-key.pem");
    let expected = format!(
        "tls.certificate_file: {}: holds no certificate, \
         expected certificates in PEM (-----BEGIN CERTIFICATE-----)",
        path("server-key.pem")
    );
    assert_eq!(told(&swapped), expected);

    let mut foreign = files.clone();
    foreign.key.path = folder.path().join("client-key.pem");
    let expected = format!("{}: does not fit the certificate", path("client-key.pem"));
    assert!(told(&foreign).contains(&expected), "{}", told(&foreign));

    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&files.key.path, open).expect("set");
    let expected =
        format!("tls.key_file: {}: found mode 644, expected 600", path("server-key.pem"));
    assert!(told(&files).starts_with(&expected), "{}", told(&files));

    let (certificate, key) = client.own.expect("its own");
    let alone = ClientFiles::new(None, Some(certificate), None).expect_err("without a key");
    assert!(alone.to_string().ends_with("expected its key to be named, too"), "{alone}");
    let alone = ClientFiles::new(None, None, Some(key)).expect_err("without a certificate");
    assert!(alone.to_string().ends_with("expected its certificate to be named, too"), "{alone}");
}

#[tokio::test]
async fn new_files_come_into_use_and_bad_ones_do_not() {
    let (folder, files, _) = pair();
    let (sender, mut current) = watch::channel(files.load().expect("loaded"));
    let at_start = Arc::clone(&current.borrow_and_update());
    let (all, loading) = (files.all(), files.clone());
    let keeping = tokio::spawn(keep_current("TLS files", all, move || loading.load(), sender));
    let mut changed = async || {
        timeout(WITHIN, current.changed()).await.expect("in time").expect("it is kept");
        Arc::clone(&current.borrow_and_update())
    };
    // The first look.
    let first = changed().await;
    assert!(!Arc::ptr_eq(&at_start, &first));
    fs::write(&files.certificate.path, "half a file").expect("written");
    // Nothing can be awaited that does not happen, so the next good files follow at once.
    let renewed = authority("renewed");
    issue(&renewed, folder.path(), "server");
    let second = changed().await;
    assert!(!Arc::ptr_eq(&first, &second));
    fs::write(&files.certificate.path, "half a file").expect("written");
    let refused = timeout(super::current::POLL_INTERVAL * 2, changed()).await;
    assert!(refused.is_err(), "a bad file came into use");
    keeping.abort();
}

/// Writes a revocation list, which expired long ago, with these serial numbers.
fn revoke(authority: &Authority, path: &Path, serials: &[Vec<u8>]) {
    let revoked = serials.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: date_time_ymd(2025, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 1, 1),
        next_update: date_time_ymd(2025, 2, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(authority).expect("signed");
    fs::write(path, list.pem().expect("PEM")).expect("written");
}

/// Server and client of an authority with a file for revocation lists, which is not there yet.
fn revocable() -> (tempfile::TempDir, ServerFiles, ClientFiles, Authority) {
    let (folder, mut server, mut client) = pair();
    let authority = authority("centre");
    let anchors = anchors(&authority, folder.path(), "authority.pem");
    (server.certificate, server.key) = issue(&authority, folder.path(), "server");
    client.own = Some(issue(&authority, folder.path(), "client"));
    server.client_authorities = Some(anchors.clone());
    let path = folder.path().join("revoked.pem");
    server.revocations = Some(PemFile { setting: "tls.revocations_file", path });
    client.authorities = Some(anchors);
    (folder, server, client, authority)
}

fn chain(client: &ClientFiles) -> Vec<CertificateDer<'static>> {
    let (certificate, _) = client.own.as_ref().expect("its own");
    vec![CertificateDer::from_pem_file(&certificate.path).expect("a certificate")]
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_by_an_expired_list_too() {
    let (folder, server, client, authority) = revocable();
    let path = folder.path().join("revoked.pem");
    let (chain, now) = (chain(&client), crate::clock::now());
    let own = Certificate::read(&chain[0]).expect("read");
    revoke(&authority, &path, &[vec![1, 2, 3]]);
    let loaded = server.load().expect("loaded");
    let connecting = client.load().expect("loaded");
    handshake(Arc::clone(&loaded), Arc::clone(&connecting)).await.expect("others are revoked");
    assert_eq!(loaded.check_client(&chain, now), Ok(()));
    let validities = loaded.validities();
    assert_eq!(validities[0].expiry.to_string(), "2100-01-01T07:00:00+07:00");
    assert_eq!(validities[1].expiry.to_string(), "2025-02-01T07:00:00+07:00");
    assert!(validities[1].subject.contains("centre"), "{validities:?}");

    revoke(&authority, &path, &[vec![1, 2, 3], own.serial.clone()]);
    let loaded = server.load().expect("loaded");
    let refused = handshake(Arc::clone(&loaded), connecting).await.expect_err("revoked");
    assert!(refused.contains("Revoked"), "{refused}");
    assert_eq!(loaded.check_client(&chain, now), Err(Distrust::Revoked));
}

#[test]
fn a_certificate_is_judged_by_what_the_files_hold_now() {
    let (folder, server, client, authority) = revocable();
    revoke(&authority, &folder.path().join("revoked.pem"), &[]);
    let (chain, now) = (chain(&client), crate::clock::now());
    let judge = |server: &ServerFiles| server.load().expect("loaded").check_client(&chain, now);
    assert_eq!(judge(&server), Ok(()));
    let expired = now.plus(Duration::from_hours(24 * 365 * 200));
    let told = server.load().expect("loaded").check_client(&chain, expired);
    assert!(matches!(&told, Err(Distrust::Other(cause)) if cause.contains("expired")), "{told:?}");
    // An authority of the same name, then one of another.
    for name in ["centre", "other"] {
        let mut server = server.clone();
        server.revocations = None;
        let successor = self::authority(name);
        server.client_authorities = Some(anchors(&successor, folder.path(), "successor.pem"));
        assert_eq!(judge(&server), Err(Distrust::Authority), "{name}");
    }
    // Two are trusted, and only the other one has a list.
    let other = self::authority("other");
    let both = format!("{}{}", authority.pem(), other.pem());
    fs::write(folder.path().join("authority.pem"), both).expect("written");
    revoke(&other, &folder.path().join("revoked.pem"), &[]);
    assert_eq!(judge(&server), Ok(()));
    // The list of an authority that was taken away keeps nobody from using the files.
    let mut server = server;
    let successor = self::authority("third");
    server.client_authorities = Some(anchors(&successor, folder.path(), "successor.pem"));
    assert_eq!(judge(&server), Err(Distrust::Authority));
}

#[test]
fn a_list_that_cannot_be_used_is_named() {
    let (folder, server, _, authority) = revocable();
    let path = folder.path().join("revoked.pem");
    let told = || server.load().expect_err("refused").to_string();
    let expected = format!("tls.revocations_file: {}: No such file", path.display());
    assert!(told().starts_with(&expected), "{}", told());
    fs::write(&path, authority.pem()).expect("written");
    assert!(told().contains("holds no revocation list, expected revocation lists"), "{}", told());
    fs::write(&path, authority.pem().replace("CERTIFICATE", "X509 CRL")).expect("written");
    assert!(told().contains("holds a malformed revocation list"), "{}", told());
    // Lists of another key would make every handshake fail.
    revoke(&self::authority("centre"), &path, &[]);
    assert!(told().contains("did not sign"), "{}", told());
    revoke(&authority, &path, &[]);
    let list = fs::read_to_string(&path).expect("readable");
    fs::write(&path, format!("{list}{list}")).expect("written");
    assert!(told().contains("two lists"), "{}", told());
}
