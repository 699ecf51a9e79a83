//! Certificates, revocation lists and keys, as files of the aggregator and as a client shows them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::LazyLock};

use phuxanh_core::{
    Timestamp,
    delivery::identity::{Caller, Distrust, TrustDomain},
};
use phuxanh_daemon::tls::{
    Certificate, CertificateDer, ClientFiles, Loaded, PemFile, RevocationList, ServerFiles,
};
use tempfile::TempDir;

/// Authority whose key nobody has, and the certificates that it issued: all that it signed stands among
/// the seeds, and nothing else can be signed.
const AUTHORITY: &str = include_str!("certificates/authority.pem");
const CLIENT: &[u8] = include_bytes!("certificates/client.der");
const OF_TWO_NAMES: &[u8] = include_bytes!("certificates/two-names.der");
/// Within the validity of all: 1 June 2026.
const NOW_MICROS: i64 = 1_780_272_000_000_000;
/// Shortest line of a key that a message could repeat by no chance.
const KEY_LINE_BYTES: usize = 24;

/// Files of a server, made once: its key is no matter of these bytes.
static SERVER: LazyLock<(TempDir, ServerFiles)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write =
        |setting, name, text: &str| secret(&folder.path().join(name), setting, text.as_bytes());
    let files = ServerFiles {
        certificate: write("tls.certificate_file", "server.pem", &made.cert.pem()),
        key: write("tls.key_file", "server-key.pem", &made.signing_key.serialize_pem()),
        client_authorities: Some(write("tls.client_authorities_file", "authority.pem", AUTHORITY)),
        revocations: None,
    };
    (folder, files)
});

fn secret(path: &Path, setting: &'static str, bytes: &[u8]) -> PemFile {
    fs::write(path, bytes).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
    PemFile { setting, path: path.to_owned() }
}

/// Reads the bytes in each place. A file that cannot be used is named, a key is never repeated, no list
/// refuses whom it does not name, and nobody is accepted who was not issued a certificate.
pub(super) fn run(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bytes.pem");
    let read = |setting| secret(&path, setting, bytes);
    shown(bytes);
    let revocations = read("tls.revocations_file");
    let files = ServerFiles { revocations: Some(revocations.clone()), ..SERVER.1.clone() };
    if let Some(loaded) = usable(&files, bytes, "tls.revocations_file") {
        let client = Certificate::read(CLIENT).expect("a certificate");
        let lists = revocations.revocations().expect("they are in use");
        let is_named = lists.iter().any(|list| list.revokes(&client).is_some());
        let expected = if is_named { Err(Distrust::Revoked) } else { Ok(()) };
        assert_eq!(loaded.check_client(&[CertificateDer::from(CLIENT)], now()), expected);
    }
    let of = |files: ServerFiles, setting| drop(usable(&files, bytes, setting));
    let client_authorities = Some(read("tls.client_authorities_file"));
    of(ServerFiles { client_authorities, ..SERVER.1.clone() }, "tls.client_authorities_file");
    of(ServerFiles { key: read("tls.key_file"), ..SERVER.1.clone() }, "tls.key_file");
    let certificate = read("tls.certificate_file");
    let own = Some((certificate.clone(), read("tls.key_file")));
    let authorities = Some(read("tls.authorities_file"));
    if let Err(fault) = (ClientFiles { authorities, own }).load() {
        assert!(fault.message.contains("bytes.pem"), "{fault}");
    }
    if let Err(fault) = Certificate::read_file(&certificate) {
        assert!(fault.message.contains("bytes.pem"), "{fault}");
    }
}

/// The bytes as a client shows them in a handshake, and as a list.
fn shown(bytes: &[u8]) {
    drop(RevocationList::read(bytes));
    let domain: TrustDomain = "phuxanh.example".parse().expect("a trust domain");
    if let Ok(read) = Certificate::read(bytes) {
        let caller = Caller::certified(&read.uris, read.expiry, &domain);
        if let Caller::Collector { identity, .. } = &caller {
            assert_eq!(identity.trust_domain, domain);
        }
    }
    let loaded = SERVER.1.load().expect("its files");
    let chain = [CertificateDer::from(bytes.to_vec())];
    let is_accepted = loaded.check_client(&chain, now()).is_ok();
    let is_issued = bytes == CLIENT || bytes == OF_TWO_NAMES;
    assert_eq!(is_accepted, is_issued, "left: accepted; right: issued");
}

/// Loads files of which the bytes are one. What cannot be used is named, without the bytes of a key.
fn usable(files: &ServerFiles, bytes: &[u8], setting: &str) -> Option<std::sync::Arc<Loaded>> {
    let fault = match files.load() {
        Ok(loaded) => return Some(loaded),
        Err(fault) => fault,
    };
    assert_eq!(fault.key, setting, "{fault}");
    assert!(fault.message.contains("bytes.pem"), "{fault}");
    let text = String::from_utf8_lossy(bytes);
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let is_of_key = |line: &str| line.len() >= KEY_LINE_BYTES && line.bytes().all(is_base64);
    let mut lines = text.lines().filter(|line| setting == "tls.key_file" && is_of_key(line));
    let is_told = lines.any(|line| fault.message.contains(line));
    assert!(!is_told, "a key is told: {fault}");
    None
}

fn now() -> Timestamp {
    Timestamp::from_micros(NOW_MICROS).expect("a time")
}
