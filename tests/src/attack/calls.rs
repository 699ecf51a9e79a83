//! Calls of every method with random bodies.

use std::time::Duration;

use anyhow::Context;
use fastrand::Rng;
use phuxanh_proto::DESCRIPTORS;
use prost::Message;
use prost_types::FileDescriptorSet;
use tokio::time::timeout;

use super::{Assailant, messages};
use crate::harness::Caller;

/// Calls of a connection before the next one.
const CALLS: usize = 200;
/// Longest wait for an answer, and for those of a connection's calls.
const ANSWERED_WITHIN: Duration = Duration::from_millis(200);
const ALL_ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// Methods beside those of the contract.
const OTHERS: [&str; 3] = [
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// Returns all methods that the server has.
pub(super) fn methods() -> anyhow::Result<Vec<String>> {
    let files = FileDescriptorSet::decode(DESCRIPTORS).context("the descriptors")?;
    let mut methods: Vec<_> = OTHERS.map(str::to_owned).to_vec();
    for file in &files.file {
        for service in &file.service {
            let names = service.method.iter().map(prost_types::MethodDescriptorProto::name);
            let path = |name| format!("{}.{}/{name}", file.package(), service.name());
            methods.extend(names.map(path));
        }
    }
    Ok(methods)
}

/// Calls every method in turn, over one connection after another.
pub(super) async fn send(mut it: Assailant, methods: Vec<String>) {
    loop {
        let Ok(caller) = Caller::connect(it.from, &it.server).await else { continue };
        drop(timeout(ALL_ANSWERED_WITHIN, call_all(&mut it, &caller, &methods)).await);
    }
}

async fn call_all(it: &mut Assailant, caller: &Caller, methods: &[String]) -> anyhow::Result<()> {
    let mut unanswered = Vec::new();
    for _ in 0..CALLS {
        let method = it.random.choice(methods).context("there are methods")?;
        let body = bodies(&mut it.random);
        if it.random.u8(0..10) == 0 {
            // Left without an end, and reset with this connection.
            unanswered.push(caller.begin(method, body).await?);
            continue;
        }
        let answer = caller.call(method, body).await?;
        it.struck();
        // Some calls are dropped before they are answered.
        if it.random.u8(0..10) > 0 {
            drop(timeout(ANSWERED_WITHIN, answer).await);
        }
    }
    Ok(())
}

/// One body, or several one after the other.
fn bodies(random: &mut Rng) -> Vec<u8> {
    let count = if random.u8(0..8) == 0 { random.usize(0..4) } else { 1 };
    (0..count).flat_map(|_| messages::body(random)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_every_service_are_found() {
        let methods = methods().expect("descriptors");
        assert!(methods.len() > 25, "{methods:?}");
        for expected in
            ["phuxanh.v1.CollectionService/Deliver", "phuxanh.v1.QualityService/ListFlags"]
        {
            assert!(methods.iter().any(|method| method == expected), "{methods:?}");
        }
    }
}
