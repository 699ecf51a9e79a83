//! Long attacks on an aggregator.
//!
//! `cargo run -p phuxanh-tests --bin attack -- --seconds 600 --seed 1` after `cargo build --workspace`.
//! `--limit KEY=VALUE` replaces a limit of section `limits`, for example `REQUEST_TIMEOUT=1h`, to see
//! what it is good for.

use std::{
    env,
    io::{self, Write},
    time::Duration,
};

use anyhow::{Context, bail};
use phuxanh_tests::attack::Attack;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut attack = Attack { seed: 1, span: Duration::from_mins(1), limits: Vec::new() };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--seconds" => attack.span = Duration::from_secs(value.parse().context(name)?),
            "--seed" => attack.seed = value.parse().context(name)?,
            "--limit" => {
                let (key, value) = value.split_once('=').context("--limit KEY=VALUE")?;
                attack.limits.push((key.to_owned(), value.to_owned()));
            }
            _ => bail!("{name}: expected --seconds N, --seed N or --limit KEY=VALUE"),
        }
    }
    let account = attack.run().await.with_context(|| format!("seed {}", attack.seed))?;
    Ok(writeln!(io::stdout(), "{account}")?)
}
