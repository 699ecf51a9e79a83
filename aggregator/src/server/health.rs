//! Health of each service, by `grpc.health.v1`.

use std::{collections::BTreeSet, iter};

use phuxanh_proto::v1::collection_service_server::CollectionServiceServer;
use tokio::sync::watch;
use tonic::server::NamedService;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{access, ingest::Ingest, store};

/// Service whose health follows the writes to the store.
const COLLECTION: &str = CollectionServiceServer::<Ingest>::NAME;

/// Names of the services that are served, as health knows them; the empty one is the whole server.
fn services() -> impl Iterator<Item = &'static str> {
    let named = access::paths().filter_map(|path| path.strip_prefix('/')?.split_once('/'));
    let named: BTreeSet<_> = named.map(|(service, _)| service).collect();
    iter::once("").chain(named)
}

/// Sets every service to serving, but that whose health follows the writes.
pub(super) async fn begin(health: &HealthReporter) {
    for service in services().filter(|service| *service != COLLECTION) {
        health.set_service_status(service, ServingStatus::Serving).await;
    }
}

/// Sets every service to not serving.
pub(super) async fn end(health: &HealthReporter) {
    for service in services() {
        health.set_service_status(service, ServingStatus::NotServing).await;
    }
}

/// Sets the health of the collection service: serving while writes to the store succeed. Queries
/// are answered in either case, so the server as a whole stays ready.
pub(super) async fn follow_writes(
    health: HealthReporter,
    mut writes: watch::Receiver<Option<store::WritesRefused>>,
) {
    loop {
        let are_refused = writes.borrow_and_update().is_some();
        let status = if are_refused { ServingStatus::NotServing } else { ServingStatus::Serving };
        health.set_service_status(COLLECTION, status).await;
        if writes.changed().await.is_err() {
            return;
        }
    }
}
