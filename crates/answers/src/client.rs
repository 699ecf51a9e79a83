//! The connection to the aggregator: asks one question at a time, and gives up in time.

mod secure;

use std::{error, future::Future, path::PathBuf, sync::OnceLock, time::Duration};

use phuxanh_proto::AS_OF;
use phuxanh_proto::v1::{
    self, catalogue_service_client::CatalogueServiceClient,
    insight_service_client::InsightServiceClient, locality_service_client::LocalityServiceClient,
    mesh_service_client::MeshServiceClient, quality_service_client::QualityServiceClient,
    ranking_service_client::RankingServiceClient, trend_service_client::TrendServiceClient,
};
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{self, Endpoint, Uri},
};

use crate::{
    error::Error,
    fault,
    language::{Language, Words},
    refusal::{self, Asked},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Files of TLS, for a server of https://.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Authorities of the server's certificate, in PEM; without them the system's.
    pub authorities: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// Identity of the caller.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    pub tls: Tls,
    /// File with the token of the caller; for https://, or a server on this machine.
    pub token_file: Option<PathBuf>,
}

/// Connection whose requests show the caller's token.
pub type Channel = InterceptedService<transport::Channel, Bearer>;

/// Token of each request, if there is one.
#[derive(Debug, Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Port of an aggregator whose address names none.
const PORT: u16 = 7400;

/// Address of an aggregator as a URL: without a scheme it is `http`, without a port 7400.
pub fn url(text: &str) -> Result<String, String> {
    const EXPECTED: &str = "expected http://HOST:PORT or https://HOST:PORT";
    let url = match text.split_once("://") {
        Some(("http" | "https", _)) => text.to_owned(),
        Some(_) => return Err(EXPECTED.to_owned()),
        None => format!("http://{text}"),
    };
    let uri: Uri = url.parse().map_err(|reason| format!("{EXPECTED} ({reason})"))?;
    match (uri.scheme_str(), uri.authority(), uri.port_u16()) {
        // A port that is no number is no port either, so the host has to be all there is.
        (Some(scheme), Some(host), None) if host.as_str() == host.host() => {
            Ok(format!("{scheme}://{host}:{PORT}"))
        }
        (Some(_), Some(_), Some(_)) => Ok(url),
        _ => Err(EXPECTED.to_owned()),
    }
}

/// An open connection to one aggregator.
#[derive(Debug)]
pub struct Client {
    server: String,
    channel: Channel,
    timeout: Duration,
    /// Through when the answers are complete, where that is not the moment of asking.
    as_of: OnceLock<String>,
}

impl Client {
    /// Connects to a URL of the form `http://host:port` or `https://host:port`.
    pub async fn connect(server: &str, identity: &Identity) -> Result<Self, Error> {
        let unreachable = |error| unreachable(server, fault::connection(&error));
        let endpoint = Endpoint::from_shared(server.to_owned()).map_err(unreachable)?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
        let bearer = Bearer(secure::token(identity.token_file.as_ref(), endpoint.uri())?);
        let channel = match endpoint.uri().scheme_str() {
            Some("https") => {
                let connector = secure::connector(secure::load(&identity.tls)?);
                endpoint.connect_with_connector(connector).await
            }
            _ => endpoint.connect().await,
        };
        let channel = InterceptedService::new(channel.map_err(unreachable)?, bearer);
        let timeout = REQUEST_TIMEOUT;
        Ok(Self { server: server.to_owned(), channel, timeout, as_of: OnceLock::new() })
    }

    /// Gives each call this long [default: 10 s].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Waits for the reply of a call, and no longer than the deadline.
    pub async fn ask<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(response)) => {
                if let Some(as_of) = response.metadata().get(AS_OF) {
                    let as_of = String::from_utf8_lossy(as_of.as_bytes()).into_owned();
                    self.as_of.get_or_init(|| as_of);
                }
                Ok(response.into_inner())
            }
            Ok(Err(status)) => Err(self.failure(status)),
            Err(_) => {
                let seconds = self.timeout.as_secs_f64();
                let reason = Words {
                    vi: format!("không trả lời trong {seconds} giây").into(),
                    en: format!("no answer within {seconds} s").into(),
                };
                Err(unreachable(&self.server, reason))
            }
        }
    }

    /// The connection itself, for services beside those of the contract, such as `grpc.health.v1`.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    #[must_use]
    pub fn rankings(&self) -> RankingServiceClient<Channel> {
        RankingServiceClient::new(self.channel.clone())
    }

    #[must_use]
    pub fn localities(&self) -> LocalityServiceClient<Channel> {
        LocalityServiceClient::new(self.channel.clone())
    }

    #[must_use]
    pub fn insights(&self) -> InsightServiceClient<Channel> {
        InsightServiceClient::new(self.channel.clone())
    }

    #[must_use]
    pub fn quality(&self) -> QualityServiceClient<Channel> {
        QualityServiceClient::new(self.channel.clone())
    }

    #[must_use]
    pub fn trends(&self) -> TrendServiceClient<Channel> {
        TrendServiceClient::new(self.channel.clone())
    }

    #[must_use]
    pub fn mesh(&self) -> MeshServiceClient<Channel> {
        MeshServiceClient::new(self.channel.clone())
    }

    /// The catalogue in force.
    pub async fn catalogue(&self) -> Result<v1::GetCatalogueResponse, Error> {
        let mut client = CatalogueServiceClient::new(self.channel.clone());
        self.ask(client.get_catalogue(v1::GetCatalogueRequest {})).await
    }

    /// A locality by its code.
    pub async fn locality(&self, code: &str) -> Result<v1::Locality, Error> {
        let ask = v1::GetLocalityRequest { code: code.to_owned() };
        let found = self.ask(self.localities().get_locality(ask)).await?;
        found.locality.ok_or_else(|| Error::Contract("a locality is missing".to_owned()))
    }

    /// The provinces. They all fit on one page.
    pub async fn provinces(&self) -> Result<Vec<v1::Locality>, Error> {
        let ask = v1::ListLocalitiesRequest {
            level: v1::Level::Province.into(),
            page_size: 1_000,
            ..Default::default()
        };
        Ok(self.ask(self.localities().list_localities(ask)).await?.localities)
    }

    /// Through when the answers so far are complete; none where that is the moment of asking.
    #[must_use]
    pub fn as_of(&self) -> Option<&str> {
        self.as_of.get().map(String::as_str)
    }

    /// A status with a cause was made on this side: what answered was no gRPC server, or nobody.
    fn failure(&self, status: Status) -> Error {
        if error::Error::source(&status).is_some() {
            unreachable(&self.server, fault::connection(&status))
        } else if status.code() == Code::Unavailable {
            let en = status.message().to_owned();
            let vi = refusal::text(&status, Asked::Other, Language::Vietnamese)
                .unwrap_or_else(|| en.clone());
            unreachable(&self.server, Words { vi: vi.into(), en: en.into() })
        } else {
            Error::Refused { status: Box::new(status), asked: Asked::Other }
        }
    }
}

fn unreachable(server: &str, reason: Words) -> Error {
    Error::Unreachable { server: server.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn an_address_is_that_of_an_http_server() {
        for (text, expected) in [
            ("http://10.0.0.1:7401", "http://10.0.0.1:7401"),
            ("https://a.example:1", "https://a.example:1"),
            ("localhost:7401", "http://localhost:7401"),
            ("localhost", "http://localhost:7400"),
            ("https://a.example", "https://a.example:7400"),
            ("[::1]", "http://[::1]:7400"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(expected));
        }
        for text in ["", "https://", "ftp://x", "http://", "a b:1", "http://x:", "x:70000"] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
