//! Answers who reports and how far behind.

use std::sync::Arc;

use phuxanh_proto::{
    convert::{to_ledger, wire_time},
    gazetteer::Locality,
    model::{Level, LocalityCode},
    v1::{self, mesh_service_server::MeshService},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{Board, Presence};
use crate::{fold::Position, view::View};

const PAGE_SIZE: usize = 100;
const PAGE_SIZE_MAX: usize = 1_000;

/// The service over the board and the view.
#[derive(Debug, Clone)]
pub struct Service {
    pub board: watch::Receiver<Board>,
    pub view: watch::Receiver<Arc<View>>,
}

#[tonic::async_trait]
impl MeshService for Service {
    async fn list_collectors(
        &self,
        request: Request<v1::ListCollectorsRequest>,
    ) -> Result<Response<v1::ListCollectorsResponse>, Status> {
        let request = request.into_inner();
        let page_size = page_size(request.page_size)?;
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse::<LocalityCode>().map_err(|_| {
                invalid("page_token", "the next_page_token of an earlier response")
            })?),
        };
        let view = Arc::clone(&self.view.borrow());
        let board = Arc::clone(&self.board.borrow());
        let reporters: Vec<_> = view
            .gazetteer()
            .localities()
            .filter(|locality| is_shown(locality, &view))
            .filter(|locality| after.is_none_or(|after| after < locality.code))
            .take(page_size + 1)
            .collect();
        let collectors: Vec<_> = reporters
            .iter()
            .take(page_size)
            .map(|locality| {
                let rollup = view.reporter(locality.code);
                let position = rollup.map(|rollup| *rollup.position()).unwrap_or_default();
                collector(locality, board.get(&locality.code), &position)
            })
            .collect();
        let next_page_token = match (reporters.len() > page_size, collectors.last()) {
            (true, Some(last)) => last.reporter.clone(),
            (_, _) => String::new(),
        };
        Ok(Response::new(v1::ListCollectorsResponse { collectors, next_page_token }))
    }

    async fn audit_collectors(
        &self,
        _request: Request<v1::AuditCollectorsRequest>,
    ) -> Result<Response<v1::AuditCollectorsResponse>, Status> {
        Err(Status::unimplemented("in progress"))
    }
}

/// Every province, silent ones too; the central office once it has reported.
fn is_shown(locality: &Locality, view: &View) -> bool {
    match locality.code.level() {
        Level::Province => true,
        Level::Nation => view.reporter(locality.code).is_some(),
        Level::Commune => false,
    }
}

fn collector(
    locality: &Locality,
    presence: Option<&Presence>,
    position: &Position,
) -> v1::Collector {
    let complete_through = presence
        .and_then(|presence| presence.heartbeat?.complete_through)
        .filter(|_| presence.is_some_and(|seen| seen.produced_through <= position.sequence))
        .max(position.complete_through);
    v1::Collector {
        reporter: locality.code.to_string(),
        name: locality.name.clone(),
        connected: presence.is_some_and(|presence| presence.connected),
        since_time: presence.map(|presence| wire_time(presence.since)),
        host: presence.map_or_else(String::new, |presence| presence.host.clone()),
        complete_through_time: complete_through.map(wire_time),
        last_receipt_time: position.receipt.map(wire_time),
        applied_through: position.sequence,
        produced_through: presence.map_or(0, |presence| presence.produced_through),
        ledger: Some(to_ledger(position.ledger)),
        record_count: position.record_count,
        spool_batch_count: 0,
        spool_bytes: 0,
        dead_letter_count: 0,
        clock_offset: None,
        alarms: Vec::new(),
    }
}

fn page_size(asked: i32) -> Result<usize, Status> {
    match usize::try_from(asked) {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) => Ok(size.min(PAGE_SIZE_MAX)),
        Err(_) => Err(invalid("page_size", "0 or more")),
    }
}

fn invalid(field: &str, expected: &str) -> Status {
    let message = format!("{field}: expected {expected}");
    let details = ErrorDetails::with_bad_request_violation(field, format!("expected {expected}"));
    Status::with_error_details(tonic::Code::InvalidArgument, message, details)
}
