//! The command line.

mod complaint;
mod help;
mod insight;
mod language;
mod manual;
mod output;
mod pki;
mod quality;
mod ranking;
mod trend;
mod value;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, parser::ValueSource};
use phuxanh_answers::{Language, client};

pub use insight::{Distribution, Gap, Lacking, Path, Shortfalls, Why};
pub use language::asked as language;
pub use manual::{Shell, completion, write_man_pages};
pub use output::{Colour, Form, Lang, Output};
pub use pki::{Issue, IssueCollector, NewToken, Pki};
pub use quality::{Completeness, FlagRule, Flags, History, Receipts, Silent};
pub use ranking::{Changes, Kind, Lowest, Selection};
pub use trend::{Compare, Days, Trend};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed (or bad news: an audit disagrees, or what --fail-on names), 2 wrong usage, \
69 the server cannot be reached. \
vi: Mã thoát: 0 xong, 1 không được (hoặc có tin xấu: đối chiếu không khớp, hoặc điều --fail-on nêu), \
2 dùng sai lệnh, 69 không kết nối được máy chủ.";

/// Options that a context may set.
const CONTEXTUAL: [&str; 6] =
    ["server", "tls_authorities", "tls_certificate", "tls_key", "token_file", "lang"];

/// A command's own options are listed before those of all commands.
const GLOBAL_LAST: usize = 100;

/// Asks an aggregator of Phủ Xanh which localities of Vietnam are lowest, and why.
/// vi: Hỏi bộ tổng hợp của Phủ Xanh những đơn vị nào của Việt Nam thấp nhất, và vì sao.
#[derive(Debug, Parser)]
#[command(name = "phuxanh", version, after_help = EXIT_CODES)]
pub struct Args {
    /// The aggregator to ask, or several of one store with commas between them: the next one is asked
    /// where one cannot be reached
    /// vi: Bộ tổng hợp cần hỏi, hoặc nhiều bộ tổng hợp chung một kho lưu, cách nhau bằng dấu phẩy:
    /// không kết nối được bộ này thì hỏi bộ kế tiếp
    #[arg(
        long,
        global = true,
        display_order = GLOBAL_LAST,
        value_name = "URL",
        env = "PHUXANH_SERVER",
        default_value = "http://127.0.0.1:7400",
        value_delimiter = ',',
        value_parser = value::server
    )]
    pub server: Vec<String>,

    /// Named server of the file of contexts; options that are given go before it
    /// vi: Tên hồ sơ máy chủ trong tệp contexts.toml; tùy chọn nêu trực tiếp được ưu tiên
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "NAME", env = "PHUXANH_CONTEXT")]
    pub context: Option<String>,

    /// Options of a context that the command line gives itself.
    #[arg(skip)]
    pub given: Vec<&'static str>,

    #[command(flatten)]
    pub identity: Identity,

    /// Longest wait for each reply
    /// vi: Thời gian chờ tối đa cho mỗi câu trả lời
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "SECONDS",
          default_value = "10", value_parser = value::seconds)]
    pub timeout: Duration,

    #[command(flatten)]
    pub output: Output,

    /// Print one JSON object; the same as -o json
    /// vi: In một đối tượng JSON; giống như -o json
    #[arg(long, global = true, display_order = GLOBAL_LAST, conflicts_with = "form")]
    pub json: bool,

    #[command(subcommand)]
    pub command: Command,
}

/// Files of TLS, for a server of https://.
#[derive(Debug, clap::Args)]
pub struct Tls {
    /// Authorities of the server's certificate, in PEM [default: the system's]
    /// vi: Chứng thư gốc để kiểm tra chứng thư của máy chủ, dạng PEM [mặc định: của hệ điều hành]
    #[arg(id = "tls_authorities", long = "tls-authorities", global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TLS_AUTHORITIES")]
    pub authorities: Option<PathBuf>,

    /// Own certificate, in PEM
    /// vi: Chứng thư của người hỏi, dạng PEM
    #[arg(id = "tls_certificate", long = "tls-certificate", global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TLS_CERTIFICATE")]
    pub certificate: Option<PathBuf>,

    /// Private key of the own certificate, in PEM
    /// vi: Khóa riêng của chứng thư người hỏi, dạng PEM
    #[arg(id = "tls_key", long = "tls-key", global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TLS_KEY")]
    pub key: Option<PathBuf>,
}

/// Identity of the caller.
#[derive(Debug, clap::Args)]
pub struct Identity {
    #[command(flatten)]
    pub tls: Tls,

    /// File with the token of the caller; for https://, or a server on this machine
    /// vi: Tệp chứa mã truy cập của người hỏi; dùng với https:// hoặc với máy chủ trên máy này
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// Command of the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Ask(Question),
    /// Make and renew the certificates of a pilot; asks no aggregator
    /// vi: Tạo và thay chứng thư cho đợt thí điểm; không hỏi bộ tổng hợp
    #[command(subcommand)]
    Pki(Pki),
    /// Print a script that completes commands and options in a shell
    /// vi: In kịch bản để shell tự điền lệnh và tùy chọn
    Completion { shell: Shell },
    /// Write the manual pages of this command and of each of its commands
    /// vi: Ghi các trang hướng dẫn (man, tiếng Anh) của phuxanh và từng lệnh
    Man {
        /// Folder for the pages, for example /usr/local/share/man/man1
        /// vi: Thư mục chứa các trang, ví dụ /usr/local/share/man/man1
        directory: PathBuf,
    },
}

/// Question to an aggregator.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// Rank localities by an indicator, the lowest first
    /// vi: Xếp hạng các đơn vị theo một chỉ số, thấp nhất đứng đầu
    Lowest(Lowest),
    /// Rank localities by how their value changed since an earlier month, the most declined first
    /// vi: Xếp hạng các đơn vị theo biến động so với một tháng trước, giảm nhiều nhất đứng đầu
    Changes(Changes),
    /// Show a locality's rank with its neighbours
    /// vi: Xem thứ hạng của một đơn vị cùng các đơn vị liền kề
    Standing(Standing),
    /// Show how a locality stands on every criterion and indicator
    /// vi: Xem phiếu tổng hợp mọi tiêu chí và chỉ số của một đơn vị
    Scorecard(Scorecard),
    /// Count localities by the bands of an indicator's legend
    /// vi: Đếm các đơn vị theo từng mức trong thang màu của một chỉ số
    Distribution(Distribution),
    /// Count who lacks which criterion, and who would turn green if it alone were fixed
    /// vi: Đếm số xã còn thiếu từng tiêu chí, và số xã sẽ xanh nếu chỉ khắc phục tiêu chí đó
    Shortfalls(Shortfalls),
    /// List the communes that lack a criterion, or that are not green, the most lacking first
    /// vi: Liệt kê các xã còn thiếu một tiêu chí hoặc chưa xanh, thiếu nhiều nhất đứng đầu
    Lacking(Lacking),
    /// List the fewest fixes that lift a province's green coverage to a target
    /// vi: Liệt kê số việc khắc phục ít nhất để tỷ lệ phủ xanh của một tỉnh đạt mục tiêu
    Path(Path),
    /// Split a locality's distance to the nation into what causes it
    /// vi: Tách khoảng cách giữa một đơn vị và cả nước thành từng nguyên nhân
    Why(Why),
    /// Show how far what is declared runs ahead of what is measured
    /// vi: Xem chênh lệch giữa công bố và thực tế
    Gap(Gap),
    /// Count the communes that reported a month, by its deadline and since
    /// vi: Đếm số xã đã báo cáo một tháng, đúng hạn và đến nay
    Completeness(Completeness),
    /// List who has not reported a month
    /// vi: Liệt kê đơn vị chưa báo cáo một tháng
    Silent(Silent),
    /// List data that are implausible, for inspection: nothing is changed by it
    /// vi: Liệt kê dấu hiệu bất thường để kiểm tra; không làm thay đổi số liệu
    Flags(Flags),
    /// List the observations under a number: who brought them, when, in which batch
    /// vi: Liệt kê nguồn gốc của một con số: ai gửi, lúc nào, trong gói nào
    Receipts(Receipts),
    /// List every observation of one value that the log still holds, and what became of it
    /// vi: Liệt kê mọi quan sát của một giá trị mà nhật ký còn giữ, và kết quả của từng quan sát
    History(History),
    /// Show a locality's value month by month
    /// vi: Xem diễn biến từng tháng của một đơn vị
    Trend(Trend),
    /// Count the days of a month on which communes were green, and how often they turned
    /// vi: Đếm số ngày xanh của các xã trong tháng và số lần đổi trạng thái
    Days(Days),
    /// Hold a measure of a month against that of an earlier one, per working day
    /// vi: So sánh một số đếm của hai tháng theo ngày làm việc
    Compare(Compare),
    /// Find localities by name or code; case and accents do not matter
    /// vi: Tìm đơn vị theo tên hoặc mã; không phân biệt chữ hoa và dấu
    Search(Search),
    /// List the localities of the nation or a province, with codes, kinds and dates
    /// vi: Liệt kê các đơn vị của cả nước hoặc một tỉnh, kèm mã, loại và ngày hiệu lực
    Localities(Localities),
    /// Show the collector of every province, and how far behind it is
    /// vi: Xem bộ thu thập của từng tỉnh và mức độ chậm của nó
    Collectors(Collectors),
    /// Hold what every collector has produced against what arrived; exit code 1 if they disagree
    /// vi: Đối chiếu số liệu mỗi bộ thu thập đã tạo với số liệu đã đến; mã thoát 1 nếu không khớp
    Audit(Audit),
    /// Show the aggregators that share a store, how far each is, and how the store is
    /// vi: Xem các bộ tổng hợp chung một kho lưu, tiến độ của từng bộ và tình trạng kho lưu
    Mesh,
    /// Show what is measured: criteria, measures, indicators
    /// vi: Xem danh mục chỉ tiêu: tiêu chí, số đếm, chỉ số
    Catalogue,
}

/// Standing that is asked for.
#[derive(Debug, clap::Args)]
pub struct Standing {
    /// Code or name of a province or a commune
    /// vi: Mã hoặc tên của một tỉnh hay một xã
    pub locality: String,

    /// What to rank by; `phuxanh catalogue` lists the indicators
    /// vi: Chỉ số để xếp hạng; `phuxanh catalogue` liệt kê các chỉ số
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// Rank a commune only within this province [default: the nation]
    /// vi: Chỉ xếp hạng xã trong tỉnh này [mặc định: cả nước]
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Put the highest first
    /// vi: Xếp đơn vị cao nhất lên đầu
    #[arg(long)]
    pub highest: bool,

    /// Neighbours to show on each side
    /// vi: Số đơn vị liền kề được xem ở mỗi phía
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = |text: &str| value::number::<u8>(text, 1, 50))]
    pub neighbours: u8,
}

/// Whose scorecard is asked for.
#[derive(Debug, clap::Args)]
pub struct Scorecard {
    /// Code or name of a commune or a province; 00 for the nation
    /// vi: Mã hoặc tên của một xã hay một tỉnh; 00 là cả nước
    pub locality: String,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Search that is asked for.
#[derive(Debug, clap::Args)]
pub struct Search {
    /// A name, part of one, or a code: "lai chau", "TP.HCM", 04
    /// vi: Tên, một phần của tên hoặc mã: "lai chau", "TP.HCM", 04
    pub text: String,
}

/// Part of the country and month that a list is of, and its length.
#[derive(Debug, clap::Args)]
pub struct Listed {
    /// List only what lies in this province
    /// vi: Chỉ liệt kê trong tỉnh này
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many to list; 0 means all
    /// vi: Số dòng được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value::count::<u32>)]
    pub limit: u32,
}

/// Localities that are listed.
#[derive(Debug, clap::Args)]
pub struct Localities {
    /// What to list [default: province; with --within: commune]
    /// vi: Cấp được liệt kê [mặc định: province (tỉnh); với --within: commune (xã)]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// List only communes of this province, or 00 for the nation
    /// vi: Chỉ liệt kê các xã của tỉnh này; 00 là cả nước
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// How many to list; 0 means all
    /// vi: Số dòng được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value::count::<u32>)]
    pub limit: u32,
}

/// Whose delivery is audited.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// Code or name of a province, or 00 for the central office [default: all]
    /// vi: Mã hoặc tên của một tỉnh; 00 là trung ương [mặc định: tất cả]
    pub province: Option<String>,

    /// Fail with exit code 1 on alarms or collectors that are not heard, too
    /// vi: Trả mã thoát 1 cả khi có cảnh báo (alarm) hoặc bộ thu thập không báo (silent)
    #[arg(
        long,
        value_name = "CAUSE",
        value_enum,
        value_delimiter = ',',
        default_value = "disagreement"
    )]
    pub fail_on: Vec<FailOn>,
}

/// Collectors that are asked for.
#[derive(Debug, clap::Args)]
pub struct Collectors {
    /// Fail with exit code 1 on alarms (alarm) or collectors that are not connected (silent)
    /// vi: Trả mã thoát 1 khi có cảnh báo (alarm) hoặc bộ thu thập không kết nối (silent)
    #[arg(long, value_name = "CAUSE", value_delimiter = ',', value_parser = value::of_collectors)]
    pub fail_on: Vec<FailOn>,
}

/// Bad news that fails a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Any alarm
    /// vi: Có bất kỳ cảnh báo nào
    Alarm,
    /// A collector that is not heard
    /// vi: Có bộ thu thập không báo
    Silent,
    /// Both ends disagree; always a cause for an audit
    /// vi: Hai đầu không khớp; luôn là lý do khi đối chiếu
    Disagreement,
}

/// Level that can be ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Province,
    Commune,
}

/// The command with its texts in both languages.
fn unspoken() -> clap::Command {
    Args::command()
}

/// Parses the arguments. Help and complaints are written here, in a language and no wider than so
/// many characters, and leave only an exit code.
pub fn read(raw: &[OsString], language: Language, width: usize) -> Result<Args, ExitCode> {
    let mut command = language::spoken(unspoken(), language);
    let parsed = command.try_get_matches_from_mut(raw).and_then(|matches| {
        let is_given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let given = CONTEXTUAL.into_iter().filter(is_given).collect();
        Args::from_arg_matches(&matches).map(|args| Args { given, ..args })
    });
    parsed.map_err(|error| complaint::tell(raw, &error, language, width))
}

impl From<Identity> for client::Identity {
    fn from(Identity { tls, token_file }: Identity) -> Self {
        Self { tls: tls.into(), token_file }
    }
}

impl From<Tls> for client::Tls {
    fn from(Tls { authorities, certificate, key }: Tls) -> Self {
        Self { authorities, certificate, key }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
