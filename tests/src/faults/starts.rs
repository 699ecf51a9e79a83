//! An aggregator that starts while its Redis loses every connection after a few answers.

use std::net::SocketAddr;

use anyhow::ensure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    restarts::{deliver, one_province_with, some_arrive},
    stores::{Sync, over_redis, stands_and_says},
};
use crate::harness::{Process, settings};

/// Answers that the last of the connections that are lost gives. The opening of a store takes about
/// ten, and the questions after it some more.
const ANSWERS_MAX: usize = 24;
const CHUNK_BYTES: usize = 64 << 10;

/// The n-th connection is lost after n answers: the aggregator goes on each time, serves in the end,
/// and has lost nothing.
pub async fn interrupted(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, mut deployment) = one_province_with(seed, &over_redis(Sync::Always)).await?;
    deliver(&mut bulk, &deployment)?;
    some_arrive(&deployment, &bulk).await?;
    ensure!(deployment.terminate(&Process::Aggregator).await? == Some(0));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("redis://{}", listener.local_addr()?);
    let redis = deployment.redis()?.url();
    let server = redis.trim_start_matches("redis://").trim_end_matches('/').parse()?;
    let losing = tokio::spawn(lose_connections(listener, server));
    deployment.set(&Process::Aggregator, &settings(&[("STORE__REDIS__URLS", &url)]))?;
    deployment.restart(&Process::Aggregator)?;
    deliver(&mut bulk, &deployment)?;
    stands_and_says(&bulk, &deployment, &[]).await?;
    losing.abort();
    Ok(())
}

/// Carries connections to a server; cuts the n-th one after n answers, up to the last.
async fn lose_connections(listener: TcpListener, server: SocketAddr) -> std::io::Result<()> {
    for count in 1.. {
        let (client, _) = listener.accept().await?;
        let answers_max = if count <= ANSWERS_MAX { count } else { usize::MAX };
        let server = TcpStream::connect(server).await?;
        tokio::spawn(carry(client, server, answers_max));
    }
    Ok(())
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    answers_max: usize,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut answer_count = 0;
    while answer_count < answers_max {
        tokio::select! {
            read = client.read(&mut asked) => match read? {
                0 => break,
                count => server.write_all(&asked[..count]).await?,
            },
            read = server.read(&mut answered) => match read? {
                0 => break,
                count => {
                    client.write_all(&answered[..count]).await?;
                    answer_count += 1;
                }
            },
        }
    }
    Ok(())
}
