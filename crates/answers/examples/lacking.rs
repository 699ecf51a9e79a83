//! Walks over a list page by page: the communes of a province that lack a criterion.
//!
//! `cargo run -p phuxanh-answers --example lacking -- http://127.0.0.1:7400 04 support_staff`

use std::{
    env,
    error::Error,
    io::{Write, stdout},
    pin::pin,
};

use futures_util::TryStreamExt;
use phuxanh_answers::{Client, Identity, pages, v1::ListLackingRequest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "http://127.0.0.1:7400".to_owned());
    let within = arguments.next().unwrap_or_else(|| "04".to_owned());
    let criterion = arguments.next().unwrap_or_else(|| "support_staff".to_owned());

    let client = Client::connect(&server, &Identity::default()).await?;
    let request = ListLackingRequest { within, criterion, ..Default::default() };
    let mut pages = pin!(pages(&client, &request, None));
    while let Some(page) = pages.try_next().await? {
        for row in page.rows {
            let commune = row.commune.unwrap_or_default();
            writeln!(stdout(), "{} {}", commune.code, commune.name)?;
        }
    }
    Ok(())
}
