//! Nobody asks beyond its role: the access file decides, for tokens and certificates alike, and
//! whoever is refused is told why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use phuxanh_aggregator::access;
use phuxanh_core::{delivery::identity::access::TokenHash, gazetteer::Gazetteer};
use phuxanh_proto::v1::{self, AlarmKind, mesh_service_client::MeshServiceClient};
use phuxanh_tests::harness::{
    CollectorSetup, Deployment, LOADED_WITHIN, Process, Setup, eventually, phuxanh, settings,
};
use phuxanh_tests::secured::Authority;
use prost_types::FileDescriptorProto;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::{Code, Request, Status, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const AGGREGATOR: Process = Process::Aggregator;
const ROLES: [&str; 5] = ["viewer", "viewer:04", "operator", "collector:04", "collector:96"];

/// An access file with a caller of each role, and the file with the token of each.
struct Callers {
    folder: TempDir,
}

impl Callers {
    fn new() -> anyhow::Result<Self> {
        let callers = Self { folder: tempfile::tempdir()? };
        for role in ROLES {
            let path = callers.token_file(role);
            fs::write(&path, format!("{}\n", token(role)))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
        callers.allow(&ROLES)?;
        Ok(callers)
    }

    /// Replaces the access file by one that allows these roles.
    fn allow(&self, roles: &[&str]) -> anyhow::Result<()> {
        let row = |role: &&str| {
            let hash = TokenHash::of(&token(role));
            format!(
                "[[callers]]\nname = \"{role}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n"
            )
        };
        let rows: String = roles.iter().map(row).collect();
        self.write(&format!("format = 1\n{rows}"))
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        let staged = self.folder.path().join("staged");
        fs::write(&staged, text)?;
        Ok(fs::rename(staged, self.access_file())?)
    }

    fn access_file(&self) -> PathBuf {
        self.folder.path().join("access.toml")
    }

    fn token_file(&self, role: &str) -> PathBuf {
        self.folder.path().join(role.replace(':', "-"))
    }

    async fn deployment(&self) -> anyhow::Result<Deployment> {
        let file = self.access_file().display().to_string();
        let aggregator = settings(&[("ACCESS_FILE", &file)]);
        Deployment::start_with(&[], &Setup { aggregator, ..Setup::default() }).await
    }
}

fn token(role: &str) -> String {
    format!("a-token-of-a-test-that-is-long-{role}")
}

/// A request with a token.
fn asked<T>(message: T, token: Option<&str>) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(10));
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    }
    Ok(request)
}

/// Paths of all methods that reflection tells of.
async fn reflected(channel: &Channel) -> anyhow::Result<BTreeSet<String>> {
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut ask = async |message: MessageRequest| {
        let request =
            ServerReflectionRequest { host: String::new(), message_request: Some(message) };
        let answers = client.server_reflection_info(tokio_stream::once(request)).await?;
        let answer = answers.into_inner().next().await.context("no answer")??;
        answer.message_response.context("an empty answer")
    };
    let listed = ask(MessageRequest::ListServices(String::new())).await?;
    let MessageResponse::ListServicesResponse(listed) = listed else { bail!("{listed:?}") };
    let mut paths = BTreeSet::new();
    for service in listed.service {
        let found = ask(MessageRequest::FileContainingSymbol(service.name.clone())).await?;
        let MessageResponse::FileDescriptorResponse(found) = found else { bail!("{found:?}") };
        for bytes in found.file_descriptor_proto {
            let file: FileDescriptorProto = prost::Message::decode(&*bytes)?;
            for described in &file.service {
                let full = format!("{}.{}", file.package(), described.name());
                let methods = described.method.iter().filter(|_| full == service.name);
                paths.extend(methods.map(|method| format!("/{full}/{}", method.name())));
            }
        }
    }
    Ok(paths)
}

/// Calls a method with an empty message.
async fn call(channel: &Channel, path: &str, token: Option<&str>) -> anyhow::Result<Code> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await?;
    // Whoever delivers is judged by the reporter that it names.
    let reporter = if path.ends_with("/ListOtherValues") { "04" } else { "" };
    let message =
        v1::ListOtherValuesRequest { reporter: reporter.to_owned(), ..Default::default() };
    let codec = ProstCodec::<v1::ListOtherValuesRequest, ()>::default();
    let answer = grpc.unary(asked(message, token)?, path.parse()?, codec).await;
    Ok(answer.map_or_else(|status| status.code(), |_| Code::Ok))
}

async fn channel(deployment: &Deployment) -> anyhow::Result<Channel> {
    Ok(Channel::from_shared(deployment.server().to_owned())?.connect().await?)
}

#[tokio::test]
async fn every_method_that_is_served_has_a_role_and_refuses_the_others() -> anyhow::Result<()> {
    let callers = Callers::new()?;
    let deployment = callers.deployment().await?;
    let channel = channel(&deployment).await?;
    let reflected = reflected(&channel).await?;
    ensure!(reflected.len() >= 24, "{reflected:?}");
    let table: BTreeSet<_> = access::paths().map(str::to_owned).collect();
    // The versions of reflection and the newest method of health are served and not told of.
    let untold = |path: &&String| path.contains(".v1alpha.") || path.ends_with("Health/List");
    let unserved: Vec<_> = table.difference(&reflected).filter(|it| !untold(it)).collect();
    let unnamed: Vec<_> = reflected.difference(&table).collect();
    ensure!(unserved.is_empty() && unnamed.is_empty(), "{unserved:?} {unnamed:?}");

    let mut wrong = Vec::new();
    // Streams are answered otherwise; those of collectors are tested below.
    let is_unary = |path: &&String| {
        !["Deliver", "Watch", "ServerReflectionInfo"].iter().any(|it| path.ends_with(it))
    };
    for path in reflected.iter().filter(is_unary) {
        for role in [None, Some("collector:04"), Some("viewer"), Some("operator"), Some("nobody")] {
            let token = role.map(token);
            let code = call(&channel, path, token.as_deref()).await?;
            let may = match role {
                _ if path.starts_with("/grpc.health") => true,
                Some("collector:04") => path.starts_with("/phuxanh.v1.CollectionService/"),
                _ if path.starts_with("/phuxanh.v1.CollectionService/") => false,
                Some("operator") => true,
                Some("viewer") => !path.starts_with("/phuxanh.v1.MeshService/"),
                _ => false,
            };
            let expected = match role {
                None | Some("nobody") => Code::Unauthenticated,
                Some(_) => Code::PermissionDenied,
            };
            let refused = matches!(code, Code::Unauthenticated | Code::PermissionDenied);
            if may == refused || (!may && code != expected) {
                wrong.push((path, role, code));
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    let unknown = call(&channel, "/phuxanh.v1.RankingService/Nothing", None).await?;
    ensure!(unknown == Code::Unimplemented, "{unknown:?}");
    Ok(())
}

/// Exit code of the command line and its complaint.
fn ask(
    deployment: &Deployment,
    token: Option<&PathBuf>,
    arguments: &[&str],
) -> anyhow::Result<(Option<i32>, String)> {
    let file = token.map(|path| path.display().to_string());
    let option = file.as_deref().map(|file| ["--token-file", file]);
    let option = option.as_ref().map_or(&[][..], |option| option);
    let output = phuxanh(&[&["--server", deployment.server()], option, arguments].concat())?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[tokio::test]
async fn a_certificate_gives_a_caller_its_role_until_it_is_revoked() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let callers = Callers::new()?;
    authority.pki(&["issue", "caller", "--name", "an"])?;
    authority.pki(&["issue", "caller", "--name", "binh"])?;
    authority.collector("04")?;
    let identity = "spiffe://egov.example/caller/an";
    callers.write(&format!(
        "format = 1\n[[callers]]\nname = \"an\"\nrole = \"operator\"\nidentity = \"{identity}\"\n"
    ))?;
    let mut aggregator = authority.of_server();
    let file = callers.access_file().display().to_string();
    aggregator.extend(settings(&[
        ("ACCESS_FILE", &file),
        ("TLS__REVOCATIONS_FILE", &authority.text("revoked.pem")),
    ]));
    let setup = Setup { aggregator, ..Setup::default() };
    let deployment = Deployment::start_with(&[], &setup).await?;
    let server = deployment.secured_server()?;
    let ask = |name: &str| {
        let [certificate, key] =
            [format!("{name}.pem"), format!("{name}-key.pem")].map(|file| authority.text(&file));
        let trusted = authority.text("authority.pem");
        let options = ["--tls-certificate", &certificate, "--tls-key", &key];
        let asked = ["--server", server, "--tls-authorities", &trusted, "collectors"];
        let output = phuxanh(&[&asked[..], &options].concat())?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok::<_, anyhow::Error>((output.status.success(), told))
    };
    let (done, told) = ask("caller-an")?;
    ensure!(done, "{told}");
    let (done, told) = ask("caller-binh")?;
    ensure!(!done && told.contains("no identity"), "{told}");
    let (done, told) = ask("collector-04-main")?;
    ensure!(!done && told.contains("role collector:04, and this needs operator"), "{told}");
    authority.pki(&["renew", &authority.text("caller-an.pem")])?;
    ensure!(ask("caller-an")?.0, "renewed");
    authority.pki(&["revoke", &authority.text("caller-an.pem")])?;
    eventually("the revoked certificate is refused", LOADED_WITHIN, async || {
        let (done, told) = ask("caller-an")?;
        ensure!(!done, "{told}");
        // A call over a handshake from just before is refused, too, but not by the handshake.
        ensure!(deployment.log(&AGGREGATOR)?.contains("revoked"), "{told}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn whoever_may_not_ask_is_told_why_and_the_audit_log_has_it() -> anyhow::Result<()> {
    let callers = Callers::new()?;
    let deployment = callers.deployment().await?;
    let unknown = callers.folder.path().join("unknown");
    fs::write(&unknown, "a-token-that-nobody-has-in-a-file\n")?;
    fs::set_permissions(&unknown, fs::Permissions::from_mode(0o600))?;
    let open = callers.folder.path().join("open");
    fs::write(&open, "a-token-that-everybody-can-read-in-a-file\n")?;
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644))?;
    let ask = |token: Option<&PathBuf>, arguments: &[&str]| ask(&deployment, token, arguments);
    let (own, other) = (commune("04", 0)?, commune("96", 0)?);
    let (viewer, viewer_04) = (callers.token_file("viewer"), callers.token_file("viewer:04"));
    let (operator, collector) =
        (callers.token_file("operator"), callers.token_file("collector:04"));
    let communes = ["lowest", "--level", "commune"];
    for (token, arguments, refusal) in [
        (None, &["catalogue"][..], "no identity: show a certificate or a token"),
        (Some(&unknown), &["catalogue"], "the token is unknown"),
        (Some(&open), &["catalogue"], "found mode 644, expected 600"),
        (
            Some(&collector),
            &["catalogue"],
            "collector:04 has the role collector:04, and this needs",
        ),
        (Some(&viewer), &["collectors"], "viewer has the role viewer, and this needs operator"),
        (Some(&viewer_04), &["audit"], "and this needs operator"),
        (Some(&viewer_04), &["scorecard", &other], "expected 04 or a commune of it"),
        (Some(&viewer_04), &communes, "within: the role viewer:04 sees communes, flags"),
        (Some(&viewer_04), &["receipts", "96"], "flags and receipts of 04 only"),
        (Some(&viewer_04), &["flags"], "flags and receipts of 04 only"),
        (Some(&viewer_04), &["silent", "--level", "commune"], "receipts of 04 only"),
        (Some(&viewer_04), &["path", "96"], "receipts of 04 only"),
        (Some(&viewer_04), &["lacking", "--within", "96"], "within: the role viewer:04 sees"),
        (Some(&viewer_04), &["lacking", "support_staff"], "receipts of 04 only"),
    ] {
        let (code, told) = ask(token, arguments)?;
        ensure!(code != Some(0) && told.contains(refusal), "{arguments:?}: {code:?} {told}");
    }
    for (token, arguments) in [
        (&viewer, &["catalogue"][..]),
        (&viewer, &["scorecard", &other]),
        (&operator, &["collectors"]),
        (&operator, &["scorecard", &other]),
        (&viewer_04, &["lowest"]),
        (&viewer_04, &["scorecard", "96"]),
        (&viewer_04, &["scorecard", &own]),
        (&viewer_04, &["lowest", "--level", "commune", "--within", "04"]),
        (&viewer_04, &["receipts", "04"]),
        (&viewer_04, &["lacking", "--within", "04"]),
        (&viewer_04, &["lacking", "support_staff", "--within", "04"]),
        (&viewer, &["lacking", "support_staff"]),
    ] {
        let (code, told) = ask(Some(token), arguments)?;
        ensure!(code == Some(0), "{arguments:?}: {code:?} {told}");
    }
    let remote = ["--server", "http://192.0.2.1:7400", "catalogue", "--token-file"];
    let output = phuxanh(&[&remote[..], &[&viewer.display().to_string()]].concat())?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(told.contains("a token goes over TLS only"), "{told}");

    is_audited(&deployment).await
}

/// The audit log has each refused call, and no log has a token.
async fn is_audited(deployment: &Deployment) -> anyhow::Result<()> {
    eventually("the audit log has what was refused", LOADED_WITHIN, async || {
        let entries = deployment.audit_log(&AGGREGATOR)?;
        for detail in [
            "GetCatalogue: no identity",
            "GetCatalogue: the token is unknown",
            "GetCatalogue: collector:04 has the role collector:04",
            "ListCollectors: viewer has the role viewer",
            "GetScorecard: code: the role viewer:04 sees communes, flags and receipts of 04 only",
            "ListFlags: within: the role viewer:04 sees",
        ] {
            let has = entries.iter().any(|entry| {
                entry["action"] == "call_refused"
                    && entry["caller"] == "127.0.0.1"
                    && entry["detail"].as_str().is_some_and(|found| found.starts_with(detail))
            });
            ensure!(has, "{detail}: {entries:?}");
        }
        Ok(())
    })
    .await?;
    let (log, entries) = (deployment.log(&AGGREGATOR)?, deployment.audit_log(&AGGREGATOR)?);
    let is_told = |token: &str| log.contains(token) || format!("{entries:?}").contains(token);
    ensure!(!ROLES.iter().any(|role| is_told(&token(role))), "a token is in a log");
    Ok(())
}

/// Collectors by reporter, as an operator sees them.
async fn collectors(channel: &Channel) -> anyhow::Result<BTreeMap<String, v1::Collector>> {
    let message = v1::ListCollectorsRequest { page_size: 1_000, page_token: String::new() };
    let request = asked(message, Some(&token("operator")))?;
    let answer = MeshServiceClient::new(channel.clone()).list_collectors(request).await;
    let found = answer.map_err(|status: Status| anyhow::anyhow!("{status}"))?.into_inner();
    Ok(found.collectors.into_iter().map(|one| (one.reporter.clone(), one)).collect())
}

async fn has_applied(channel: &Channel, reporter: &str, count: u64) -> anyhow::Result<()> {
    eventually(&format!("{reporter} has delivered {count}"), LOADED_WITHIN, async || {
        let found = collectors(channel).await?.remove(reporter).context("not listed")?;
        let ledger = found.ledger.context("no ledger")?;
        ensure!(ledger.applied_count == count, "{ledger:?}");
        Ok(())
    })
    .await
}

/// Starts a collector with the token of a role.
fn start(
    deployment: &mut Deployment,
    callers: &Callers,
    province: &str,
    role: Option<&str>,
) -> anyhow::Result<Process> {
    let mut own = settings(&[("DELIVERY__BACKOFF_REFUSED", "1s"), ("DELIVERY__BACKOFF_MAX", "1s")]);
    if let Some(role) = role {
        let file = callers.token_file(role).display().to_string();
        own.extend(settings(&[("DELIVERY__TOKEN_FILE", &file)]));
    }
    let setup = CollectorSetup { settings: own, ..CollectorSetup::of(province) };
    let collector = deployment.add_collector(&setup)?;
    deployment.restart(&collector)?;
    Ok(collector)
}

/// Code of a commune, by its place in the province.
fn commune(province: &str, number: usize) -> anyhow::Result<String> {
    let gazetteer = Gazetteer::builtin();
    let found = gazetteer.communes(province.parse()?).nth(number).context("a commune")?;
    Ok(found.code.to_string())
}

/// Puts a file with a value of one commune into the inbox of a province.
fn observe(deployment: &Deployment, province: &str, number: usize) -> anyhow::Result<()> {
    let commune = commune(province, number)?;
    let head = "locality,metric,period,value,observed_time\n";
    let row = format!("{commune},applications_received,2025-07,{number},2025-08-01T08:00:00Z\n");
    deployment.put_file(province, &format!("{number}.csv"), format!("{head}{row}").as_bytes())
}

#[tokio::test]
async fn a_token_lets_deliver_for_its_province_until_it_is_taken_away() -> anyhow::Result<()> {
    let callers = Callers::new()?;
    let mut deployment = callers.deployment().await?;
    let channel = channel(&deployment).await?;
    let own = start(&mut deployment, &callers, "04", Some("collector:04"))?;
    observe(&deployment, "04", 1)?;
    has_applied(&channel, "04", 1).await?;
    let refused = [
        ("01", Some("collector:04"), "collector:04 has the role collector:04, and may not speak"),
        ("08", Some("viewer"), "viewer has the role viewer, and may not speak for 08"),
        ("11", None, "no identity: show a certificate or a token"),
    ];
    for (province, role, _) in refused {
        start(&mut deployment, &callers, province, role)?;
        observe(&deployment, province, 1)?;
    }
    for (province, _, detail) in refused {
        eventually("the refusal is an alarm", LOADED_WITHIN, async || {
            let found = collectors(&channel).await?.remove(province).context("not listed")?;
            let [alarm] = &found.alarms[..] else { bail!("{:?}", found.alarms) };
            let is_named = alarm.kind() == AlarmKind::IdentityRefused
                && alarm.detail.starts_with("127.0.0.1: ")
                && alarm.detail.contains(detail);
            ensure!(is_named, "{alarm:?}");
            ensure!((found.record_count, found.connected) == (0, false), "{found:?}");
            let is_audited = deployment.audit_log(&AGGREGATOR)?.iter().any(|entry| {
                entry["action"] == "identity_refused" && entry["reporter"] == province
            });
            ensure!(is_audited, "{province} is not in the audit log");
            Ok(())
        })
        .await?;
    }

    callers.allow(&["operator"])?;
    deployment.says(&own, "access_file no longer gives collector:04 the role collector:04").await?;
    observe(&deployment, "04", 2)?;
    deployment.says(&AGGREGATOR, "the token is unknown").await?;
    has_applied(&channel, "04", 1).await?;
    callers.write("format = 1\n[[callers]]\nname = \"x\"\nrole = \"admin\"\n")?;
    deployment.says(&AGGREGATOR, "access file refused: what was read before stays in use").await?;
    deployment.says(&AGGREGATOR, "callers, number 1: role: expected viewer").await?;
    callers.allow(&["operator", "collector:04"])?;
    has_applied(&channel, "04", 2).await?;
    let entries = deployment.audit_log(&AGGREGATOR)?;
    for change in ["viewer loses viewer", "collector:04 gets collector:04"] {
        let has = entries
            .iter()
            .any(|entry| entry["action"] == "access_changed" && entry["detail"] == change);
        ensure!(has, "{change}: {entries:?}");
    }
    Ok(())
}
