//! `phuxanh changes`: which localities declined most since an earlier month, or improved most.

use phuxanh_proto::v1::{RankBy, RankLocalitiesRequest};

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest,
};

pub async fn answer(client: &Client, ask: &args::Changes, format: Format) -> Result<Answer, Error> {
    let request = RankLocalitiesRequest {
        by: RankBy::Change.into(),
        baseline_period: ask.since.clone().unwrap_or_default(),
        order: lowest::order(ask.improved).into(),
        ..lowest::request(client, &ask.selection).await?
    };
    lowest::ranked(client, &ask.selection, request, format).await
}
