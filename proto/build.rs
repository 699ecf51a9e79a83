//! Compiles the contract without protoc, and keeps its descriptors for reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 19] = [
    "phuxanh/v1/catalogue.proto",
    "phuxanh/v1/collection.proto",
    "phuxanh/v1/flag.proto",
    "phuxanh/v1/gap.proto",
    "phuxanh/v1/history.proto",
    "phuxanh/v1/insight.proto",
    "phuxanh/v1/ledger.proto",
    "phuxanh/v1/locality.proto",
    "phuxanh/v1/mesh.proto",
    "phuxanh/v1/month_reports.proto",
    "phuxanh/v1/named_locality.proto",
    "phuxanh/v1/provenance.proto",
    "phuxanh/v1/quality.proto",
    "phuxanh/v1/ranking.proto",
    "phuxanh/v1/receipt.proto",
    "phuxanh/v1/rollup.proto",
    "phuxanh/v1/trend.proto",
    "phuxanh/paging/v1/page_token.proto",
    "phuxanh/storage/v1/storage.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=phuxanh");
    let descriptors = protox::compile(FILES, ["."])?;
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join("descriptors.binpb"), descriptors.encode_to_vec())?;
    // Payloads are forwarded as received, so they are shared and not copied.
    tonic_prost_build::configure().bytes(".phuxanh.v1.Batch.payload").compile_fds(descriptors)?;
    Ok(())
}
