//! Deployments with TLS, and the certificates of their ends: those of `phuxanh pki`, and those that it
//! would not make.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, ensure};
use phuxanh_core::gazetteer::Gazetteer;
use phuxanh_proto::v1;
use rcgen::{CertificateParams, Issuer, KeyPair, SanType, date_time_ymd};
use tempfile::TempDir;

use crate::harness::{
    Client, CollectorSetup, Deployment, LOADED_WITHIN, Process, Settings, Setup, eventually,
    phuxanh, settings,
};

pub const AGGREGATOR: Process = Process::Aggregator;
pub const DOMAIN: &str = "egov.example";
pub const DAY: Duration = Duration::from_hours(24);

/// Folder of an authority and of what it issued.
pub struct Authority(TempDir);

/// Certificate that `phuxanh pki` would not make.
pub struct Odd<'a> {
    pub uris: &'a [&'a str],
    /// Validity, in spans before and after now.
    pub begun: Duration,
    pub expires: Duration,
    pub is_past: bool,
    pub is_ahead: bool,
}

impl Authority {
    pub fn new() -> anyhow::Result<Self> {
        let authority = Self(tempfile::tempdir()?);
        authority.pki(&["init", "--trust-domain", DOMAIN])?;
        authority.pki(&["issue", "server", "--ip", "127.0.0.1"])?;
        Ok(authority)
    }

    pub fn pki(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let folder = self.0.path().display().to_string();
        let output = phuxanh(&[&["pki"], arguments, &["--dir", &folder]].concat())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Settings of an aggregator with this server's certificate, for collectors of this authority.
    #[must_use]
    pub fn of_server(&self) -> Settings {
        settings(&[
            ("TLS__CERTIFICATE_FILE", &self.text("server.pem")),
            ("TLS__KEY_FILE", &self.text("server-key.pem")),
            ("TLS__CLIENT_AUTHORITIES_FILE", &self.text("authority.pem")),
            ("TLS__TRUST_DOMAIN", DOMAIN),
            ("TLS__REVOCATIONS_FILE", &self.text("revoked.pem")),
            ("TLS__RECHECK_INTERVAL", "1s"),
        ])
    }

    /// Settings of a collector that trusts this authority, with one of its certificates.
    #[must_use]
    pub fn of_collector(&self, certificate: Option<&str>) -> Settings {
        let mut found = settings(&[
            ("TLS__AUTHORITIES_FILE", &self.text("authority.pem")),
            ("DELIVERY__BACKOFF_REFUSED", "1s"),
            ("DELIVERY__BACKOFF_MAX", "1s"),
        ]);
        if let Some(name) = certificate {
            found.extend(settings(&[
                ("TLS__CERTIFICATE_FILE", &self.text(&format!("{name}.pem"))),
                ("TLS__KEY_FILE", &self.text(&format!("{name}-key.pem"))),
            ]));
        }
        found
    }

    /// Issues a certificate to a collector; returns its name.
    pub fn collector(&self, province: &str) -> anyhow::Result<String> {
        self.pki(&["issue", "collector", "--province", province])?;
        Ok(format!("collector-{province}-main"))
    }

    /// Issues a certificate to a collector and takes it back; returns its name.
    pub fn revoked(&self, province: &str) -> anyhow::Result<String> {
        let name = self.collector(province)?;
        self.pki(&["revoke", &self.text(&format!("{name}.pem"))])?;
        Ok(name)
    }

    /// Writes a certificate that is not what it should be.
    pub fn odd(&self, name: &str, odd: &Odd<'_>) -> anyhow::Result<String> {
        let read = |name| fs::read_to_string(self.path(name)).context(name);
        let key = KeyPair::from_pem(&read("authority-key.pem")?)?;
        let issuer = Issuer::from_ca_cert_pem(&read("authority.pem")?, key)?;
        let mut params = CertificateParams::default();
        for uri in odd.uris {
            params.subject_alt_names.push(SanType::URI((*uri).try_into()?));
        }
        let now = date_time_ymd(1970, 1, 1) + since_epoch()?;
        params.not_before = if odd.is_ahead { now + odd.begun } else { now - odd.begun };
        params.not_after = if odd.is_past { now - odd.expires } else { now + odd.expires };
        let key = KeyPair::generate()?;
        let key_path = self.path(&format!("{name}-key.pem"));
        fs::write(&key_path, key.serialize_pem())?;
        fs::set_permissions(&key_path, fs::Permissions::from_mode(0o600))?;
        let certificate = params.signed_by(&key, &issuer)?;
        fs::write(self.path(&format!("{name}.pem")), certificate.pem())?;
        Ok(name.to_owned())
    }
}

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the host")]
fn since_epoch() -> anyhow::Result<Duration> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?)
}

#[must_use]
pub fn id(province: &str) -> String {
    format!("spiffe://{DOMAIN}/province/{province}/collector/main")
}

impl Default for Odd<'_> {
    fn default() -> Self {
        Self { uris: &[], begun: DAY, expires: DAY, is_past: false, is_ahead: false }
    }
}

pub async fn deployment(authority: &Authority) -> anyhow::Result<Deployment> {
    let setup = Setup { aggregator: authority.of_server(), ..Setup::default() };
    Deployment::start_with(&[], &setup).await
}

/// Starts the collector of a province with settings against an address.
pub fn start(
    deployment: &mut Deployment,
    province: &str,
    server: &str,
    settings: Settings,
) -> anyhow::Result<Process> {
    let setup = CollectorSetup {
        server: Some(server.to_owned()),
        settings,
        ..CollectorSetup::of(province)
    };
    let collector = deployment.add_collector(&setup)?;
    deployment.restart(&collector)?;
    Ok(collector)
}

/// Puts a file with the observation of one commune of province 04 into its inbox.
pub fn observe(deployment: &Deployment, number: usize) -> anyhow::Result<()> {
    let gazetteer = Gazetteer::builtin();
    let commune = gazetteer.communes("04".parse()?).nth(number).context("a commune")?.code;
    let head = "locality,metric,period,value,observed_time\n";
    let row = format!("{commune},applications_received,2025-07,{number},2025-08-01T08:00:00Z\n");
    deployment.put_file("04", &format!("{number}.csv"), format!("{head}{row}").as_bytes())
}

pub async fn collector(client: &Client, reporter: &str) -> anyhow::Result<v1::Collector> {
    let found = client.collectors().await?.into_iter().find(|it| it.reporter == reporter);
    found.with_context(|| format!("{reporter} is not listed"))
}

pub async fn has_applied(client: &Client, count: u64) -> anyhow::Result<()> {
    eventually(&format!("04 has delivered {count}"), LOADED_WITHIN, async || {
        let ledger = collector(client, "04").await?.ledger.context("no ledger")?;
        ensure!((ledger.applied_count, ledger.rejected_count) == (count, 0), "{ledger:?}");
        Ok(())
    })
    .await
}

/// Puts another file in the place of one, with the mode of a secret.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let staged = path.with_extension("staged");
    fs::write(&staged, text)?;
    fs::set_permissions(&staged, fs::Permissions::from_mode(0o600))?;
    Ok(fs::rename(staged, path)?)
}
