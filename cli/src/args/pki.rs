//! `phuxanh pki`: certificates of a pilot.

use std::{net::IpAddr, path::PathBuf};

use clap::Subcommand;
use phuxanh_core::{
    LocalityCode,
    delivery::identity::{TrustDomain, access::Role},
};

use super::value;

/// Step that is asked for.
#[derive(Debug, Subcommand)]
pub enum Pki {
    /// Make an authority: authority.pem for everybody, authority-key.pem for whoever issues
    /// vi: Tạo chứng thư gốc: authority.pem cho mọi bên, authority-key.pem cho người cấp
    Init(Init),
    /// Issue a certificate of 90 days with a key of its own
    /// vi: Cấp chứng thư 90 ngày với khóa riêng
    #[command(subcommand)]
    Issue(Issue),
    /// Replace a certificate and its key by new ones with the same names
    /// vi: Thay chứng thư và khóa bằng bản mới cùng tên
    Renew(Renew),
    /// Make a token for a caller without a certificate, and show its row for the access file
    /// vi: Tạo mã truy cập cho người hỏi không có chứng thư, và in dòng cho tệp phân quyền
    Token(NewToken),
    /// Take back a certificate whose key is lost or stolen: puts it on the list revoked.pem
    /// vi: Thu hồi chứng thư bị mất hoặc lộ khóa: ghi vào danh sách revoked.pem
    Revoke(Revoke),
    /// Write the list revoked.pem anew, before it expires; issue, renew and revoke do so, too
    /// vi: Ghi lại danh sách revoked.pem trước khi hết hạn; issue, renew và revoke cũng ghi lại
    Refresh(Refresh),
    /// Show the names and the validity of certificates
    /// vi: Xem tên và thời hạn của chứng thư
    Show(Show),
}

/// Authority that is asked for.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Trust domain of all identities, for example phuxanh.example; never changed later
    /// vi: Miền tin cậy của mọi danh tính, ví dụ phuxanh.example; về sau không đổi
    #[arg(long, value_name = "NAME", value_parser = value::trust_domain)]
    pub trust_domain: TrustDomain,

    #[command(flatten)]
    pub folder: Folder,
}

/// Certificate that is asked for.
#[derive(Debug, Subcommand)]
pub enum Issue {
    /// For a collector, which may then speak for its province and no other
    /// vi: Cho một bộ thu thập, chỉ được gửi số liệu của tỉnh mình
    Collector(IssueCollector),
    /// For somebody who asks, whose role the access file gives
    /// vi: Cho một người hỏi, vai trò do tệp phân quyền quy định
    Caller(IssueCaller),
    /// For an aggregator
    /// vi: Cho một bộ tổng hợp
    Server(IssueServer),
}

/// Caller that a certificate is for.
#[derive(Debug, clap::Args)]
pub struct IssueCaller {
    /// Name of the caller, of letters, digits, - and _
    /// vi: Tên người hỏi, gồm chữ cái không dấu, chữ số, - và _
    #[arg(long)]
    pub name: String,

    #[command(flatten)]
    pub folder: Folder,
}

/// Collector that a certificate is for.
#[derive(Debug, clap::Args)]
pub struct IssueCollector {
    /// Code of the province, 2 digits; 00 for the central office
    /// vi: Mã tỉnh, 2 chữ số; 00 là trung ương
    #[arg(long, value_name = "CODE", value_parser = value::code)]
    pub province: LocalityCode,

    /// Name of the collector, to tell the collectors of a province apart
    /// vi: Tên bộ thu thập, để phân biệt các bộ thu thập của một tỉnh
    #[arg(long, default_value = "main")]
    pub name: String,

    #[command(flatten)]
    pub folder: Folder,
}

/// Aggregator that a certificate is for.
#[derive(Debug, clap::Args)]
pub struct IssueServer {
    /// Host name by which collectors and people reach it; may be given again
    /// vi: Tên máy chủ mà bộ thu thập và người hỏi kết nối; có thể nêu nhiều lần
    #[arg(long, value_name = "NAME", required_unless_present = "ip")]
    pub dns: Vec<String>,

    /// Address by which they reach it; may be given again
    /// vi: Địa chỉ IP mà họ kết nối; có thể nêu nhiều lần
    #[arg(long, value_name = "ADDRESS", value_parser = value::address)]
    pub ip: Vec<IpAddr>,

    /// Name of the files
    /// vi: Tên của các tệp
    #[arg(long, default_value = "server")]
    pub name: String,

    #[command(flatten)]
    pub folder: Folder,
}

/// Certificate to replace.
#[derive(Debug, clap::Args)]
pub struct Renew {
    /// File of the certificate; the key lies beside it, in NAME-key.pem
    /// vi: Tệp chứng thư; khóa nằm bên cạnh, trong TÊN-key.pem
    pub certificate: PathBuf,

    #[command(flatten)]
    pub folder: Folder,
}

/// Token that is asked for.
#[derive(Debug, clap::Args)]
pub struct NewToken {
    /// File that the token is written to, for its user alone
    /// vi: Tệp được ghi mã truy cập, chỉ chủ tệp đọc được
    pub file: PathBuf,

    /// Name of the caller, as audit logs show it
    /// vi: Tên người hỏi, như ghi trong nhật ký kiểm tra
    #[arg(long)]
    pub name: String,

    /// Role: viewer, viewer:CODE, operator or collector:CODE
    /// vi: Vai trò: viewer, viewer:MÃ, operator hoặc collector:MÃ
    #[arg(long, value_parser = value::role)]
    pub role: Role,

    /// Days until it expires
    /// vi: Số ngày đến khi hết hạn
    #[arg(long, default_value_t = 365, value_parser = |text: &str| value::number::<u32>(text, 1, 3_650))]
    pub days: u32,
}

/// Certificate to take back.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// File of the certificate that was issued; its key is not needed
    /// vi: Tệp chứng thư đã cấp; không cần khóa
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
    /// vi: Các tệp chứng thư
    #[arg(required = true, value_name = "CERTIFICATE")]
    pub certificates: Vec<PathBuf>,
}

/// Folder of the authority.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// Folder of the authority, into which certificates are written
    /// vi: Thư mục của chứng thư gốc, nơi ghi các chứng thư
    #[arg(long, value_name = "FOLDER", default_value = "pki")]
    pub dir: PathBuf,
}
