//! `phuxanh pki`: certificates of a pilot.

use std::{net::IpAddr, path::PathBuf};

use clap::Subcommand;
use phuxanh_core::{
    LocalityCode,
    delivery::identity::{TrustDomain, access::Role},
};

/// Step that is asked for.
#[derive(Debug, Subcommand)]
pub enum Pki {
    /// Make an authority: authority.pem for everybody, authority-key.pem for whoever issues
    Init(Init),
    /// Issue a certificate of 90 days with a key of its own
    #[command(subcommand)]
    Issue(Issue),
    /// Replace a certificate and its key by new ones with the same names
    Renew(Renew),
    /// Make a token for a caller without a certificate, and show its row for the access file
    Token(NewToken),
    /// Take back a certificate whose key is lost or stolen: puts it on the list revoked.pem
    Revoke(Revoke),
    /// Write the list revoked.pem anew, before it expires; issue, renew and revoke do so, too
    Refresh(Refresh),
    /// Show the names and the validity of certificates
    Show(Show),
}

/// Authority that is asked for.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Trust domain of all identities, for example phuxanh.example; never changed later
    #[arg(long, value_name = "NAME")]
    pub trust_domain: TrustDomain,

    #[command(flatten)]
    pub folder: Folder,
}

/// Certificate that is asked for.
#[derive(Debug, Subcommand)]
pub enum Issue {
    /// For a collector, which may then speak for its province and no other
    Collector(IssueCollector),
    /// For somebody who asks, whose role the access file gives
    Caller(IssueCaller),
    /// For an aggregator
    Server(IssueServer),
}

/// Caller that a certificate is for.
#[derive(Debug, clap::Args)]
pub struct IssueCaller {
    /// Name of the caller, of letters, digits, - and _
    #[arg(long)]
    pub name: String,

    #[command(flatten)]
    pub folder: Folder,
}

/// Collector that a certificate is for.
#[derive(Debug, clap::Args)]
pub struct IssueCollector {
    /// Code of the province, 2 digits; 00 for the central office
    #[arg(long, value_name = "CODE")]
    pub province: LocalityCode,

    /// Name of the collector, to tell the collectors of a province apart
    #[arg(long, default_value = "main")]
    pub name: String,

    #[command(flatten)]
    pub folder: Folder,
}

/// Aggregator that a certificate is for.
#[derive(Debug, clap::Args)]
pub struct IssueServer {
    /// Host name by which collectors and people reach it; may be given again
    #[arg(long, value_name = "NAME", required_unless_present = "ip")]
    pub dns: Vec<String>,

    /// Address by which they reach it; may be given again
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Vec<IpAddr>,

    /// Name of the files
    #[arg(long, default_value = "server")]
    pub name: String,

    #[command(flatten)]
    pub folder: Folder,
}

/// Certificate to replace.
#[derive(Debug, clap::Args)]
pub struct Renew {
    /// File of the certificate; the key lies beside it, in NAME-key.pem
    pub certificate: PathBuf,

    #[command(flatten)]
    pub folder: Folder,
}

/// Token that is asked for.
#[derive(Debug, clap::Args)]
pub struct NewToken {
    /// File that the token is written to, for its user alone
    pub file: PathBuf,

    /// Name of the caller, as audit logs show it
    #[arg(long)]
    pub name: String,

    /// Role: viewer, viewer:CODE, operator or collector:CODE
    #[arg(long)]
    pub role: Role,

    /// Days until it expires
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
}

/// Certificate to take back.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// File of the certificate that was issued; its key is not needed
    pub certificate: PathBuf,

    #[command(flatten)]
    pub folder: Folder,
}

/// List to write anew.
#[derive(Debug, clap::Args)]
pub struct Refresh {
    #[command(flatten)]
    pub folder: Folder,
}

/// Certificates to show.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Files of certificates
    #[arg(required = true, value_name = "CERTIFICATE")]
    pub certificates: Vec<PathBuf>,
}

/// Folder of the authority.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// Folder of the authority, into which certificates are written
    #[arg(long, value_name = "FOLDER", default_value = "pki")]
    pub dir: PathBuf,
}
