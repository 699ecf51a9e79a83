//! Refusals of the aggregator in both languages, worded from their reason and parameters.

use phuxanh_proto::{
    ERROR_DOMAIN,
    refusal::{Expected, Hint, Reason},
    v1::Level,
};
use tonic::Status;
use tonic_types::{ErrorInfo, StatusExt};

use crate::{
    language::{Language, Words, words},
    vocabulary,
};

/// Question that was refused, as far as its command names an option in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Lacking,
    Compare,
    Other,
}

/// Wording of a refusal, with what may have been meant in a line of its own; `None` for a reason that
/// this version does not know.
pub fn text(status: &Status, asked: Asked, language: Language) -> Option<String> {
    let info = status.get_details_error_info().filter(|info| info.domain == ERROR_DOMAIN)?;
    let reason = Reason::of(&info.reason)?;
    let fill = |words: Words| fill(words.text(language), &info, asked, language);
    let told = fill(wording(reason))?;
    let hint = info.metadata.get("hint").and_then(|hint| Hint::of(hint));
    let hint = hint.and_then(|hint| fill(meaning(hint)));
    Some(hint.map_or_else(|| told.clone(), |hint| format!("{told}\n  {hint}")))
}

/// Puts parameters in the places `{key}`; `None` where one is missing or not understood.
fn fill(template: &str, info: &ErrorInfo, asked: Asked, language: Language) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (key, behind) = behind.split_once('}')?;
        let value = info.metadata.get(key)?;
        text += before;
        text += &match key {
            "field" => option(value, asked, language).map_or_else(|| value.clone(), str::to_owned),
            "expected" => {
                let expected = expectation(Expected::of(value)?);
                fill(expected.text(language), info, asked, language)?
            }
            "level" => {
                level(value).map_or_else(|| value.clone(), |word| word.text(language).to_owned())
            }
            _ => value.clone(),
        };
        rest = behind;
    }
    Some(text + rest)
}

/// The option of the command line that fills a field of the contract.
fn option(field: &str, asked: Asked, language: Language) -> Option<&'static str> {
    let vietnamese = language == Language::Vietnamese;
    Some(match field {
        "code" if vietnamese => "ĐƠN-VỊ",
        "reporter" if vietnamese => "TỈNH",
        "text" if vietnamese => "TỪ-KHÓA",
        "criterion" if asked == Asked::Lacking && vietnamese => "TIÊU-CHÍ",
        "criterion" if asked == Asked::Lacking => "CRITERION",
        "code" => "LOCALITY",
        "reporter" => "PROVINCE",
        "text" => "TEXT",
        "indicator" => "--indicator",
        "metric" => "--metric",
        "measure" => "--measure",
        "criterion" => "--criterion",
        "within" => "--within",
        "level" => "--level",
        "kind" => "--kind",
        "rule" => "--rule",
        "order" => "--highest",
        "by" => "--confident",
        "period" => "--period",
        "baseline_period" if asked == Asked::Compare => "--against",
        "baseline_period" => "--since",
        "from_period" => "--from",
        "to_period" => "--to",
        "target_percent" => "--target",
        "part_max" => "--parts",
        "neighbour_max" => "--neighbours",
        "denominator_min" => "--min-denominator",
        _ => return None,
    })
}

fn level(word: &str) -> Option<Words> {
    [Level::Nation, Level::Province, Level::Commune]
        .map(vocabulary::level)
        .into_iter()
        .find(|term| term.key == word)
        .map(|term| term.words)
}

/// A hint with the one parameter that each has.
pub fn meant(hint: Hint, value: &str, language: Language) -> String {
    let words = meaning(hint);
    let fill = |text: String, key: &&str| text.replace(&format!("{{{key}}}"), value);
    hint.keys().iter().fold(words.text(language).to_owned(), fill)
}

/// What may have been meant.
const fn meaning(hint: Hint) -> Words {
    match hint {
        Hint::Similar => words("Gần giống: {similar}", "Similar: {similar}"),
        Hint::IsIndicator => words(
            "{named} là một chỉ số; xem bằng: phuxanh lowest --indicator {named}",
            "{named} is an indicator; see: phuxanh lowest --indicator {named}",
        ),
        Hint::IsCriterion => words(
            "{named} là một tiêu chí; xem bằng: phuxanh lacking {named}",
            "{named} is a criterion; see: phuxanh lacking {named}",
        ),
        Hint::IsMeasure => words(
            "{named} là một số đếm; xem bằng: phuxanh compare ĐƠN-VỊ --measure {named}",
            "{named} is a measure; see: phuxanh compare LOCALITY --measure {named}",
        ),
        Hint::Meant => words("Hãy viết: {meant}", "Write: {meant}"),
    }
}

const fn wording(reason: Reason) -> Words {
    match reason {
        Reason::MalformedField => words("{field}: cần {expected}", "{field}: expected {expected}"),
        Reason::UnknownIndicator
        | Reason::UnknownMetric
        | Reason::UnknownMeasure
        | Reason::NoLegend
        | Reason::IntervalOfCoverage
        | Reason::IntervalOfProvinces
        | Reason::IntervalOfNumber => metric(reason),
        Reason::NationUnranked
        | Reason::CommuneAsScope
        | Reason::LevelOutsideScope
        | Reason::LocalityOutsideScope
        | Reason::UnknownLocality
        | Reason::OutsideRole => locality(reason),
        Reason::NoProof
        | Reason::UnknownToken
        | Reason::ExposedToken
        | Reason::NoAccessFile
        | Reason::AccessExpired
        | Reason::AccessWithdrawn
        | Reason::CertificateRevoked
        | Reason::CertificateAuthority
        | Reason::CertificateInvalid
        | Reason::RoleTooLow => access(reason),
        Reason::ForeignPageToken
        | Reason::HeavyQuestionsWait
        | Reason::ShareUsedUp
        | Reason::StoreOutOfReach
        | Reason::Uncomputed
        | Reason::TooLarge
        | Reason::TlsRequired
        | Reason::TooManyRequests
        | Reason::RequestTimeout
        | Reason::RequestTooLarge => limit(reason),
    }
}

/// Refusals of what is measured. An arm of another group is never reached, and its words are found empty by a test.
const fn metric(reason: Reason) -> Words {
    match reason {
        Reason::UnknownIndicator => words(
            "danh mục không có chỉ số \"{id}\": cần một trong {known}",
            "the catalogue has no indicator \"{id}\": expected one of {known}",
        ),
        Reason::UnknownMetric => words(
            "danh mục không có tiêu chí hay số đếm \"{id}\"",
            "the catalogue has no criterion or measure \"{id}\"",
        ),
        Reason::UnknownMeasure => words(
            "không xã nào báo số đếm \"{id}\": cần một trong {known}",
            "no commune reports a measure \"{id}\": expected one of {known}",
        ),
        Reason::NoLegend => words(
            "chỉ số {id} không có thang màu nên không chia mức được: cần một trong {known}",
            "{id} has no legend, so that it has no bands: expected one of {known}",
        ),
        Reason::IntervalOfCoverage => words(
            "không xếp được {id} theo độ chắc chắn (--confident): tỷ lệ phủ xanh là số đếm đầy đủ, không có khoảng tin cậy",
            "{id} cannot be ranked by confidence (--confident): green coverage is a full count and has no interval",
        ),
        Reason::IntervalOfProvinces => words(
            "không xếp được {id} của các tỉnh theo độ chắc chắn (--confident): chỉ xã mới có khoảng tin cậy, hãy dùng --level commune",
            "{id} of provinces cannot be ranked by confidence (--confident): intervals are for communes, use --level commune",
        ),
        Reason::IntervalOfNumber => words(
            "không xếp được {id} theo độ chắc chắn (--confident): chỉ tỷ lệ phần trăm mới có khoảng tin cậy",
            "{id} cannot be ranked by confidence (--confident): only a share has an interval",
        ),
        _ => words("", ""),
    }
}

/// Refusals of a locality. An arm of another group is never reached, and its words are found empty by a test.
const fn locality(reason: Reason) -> Words {
    match reason {
        Reason::NationUnranked => words(
            "cả nước không có thứ hạng: cần một tỉnh hoặc một xã",
            "the nation is not ranked: expected a province or a commune",
        ),
        Reason::CommuneAsScope => words(
            "--within: phạm vi là một tỉnh hoặc cả nước, còn {code} là một xã",
            "--within: a scope is a province or the nation, and {code} is a commune",
        ),
        Reason::LevelOutsideScope => words(
            "--within {within}: trong phạm vi này không có đơn vị ở cấp đã chọn; dùng --level commune để xem các xã",
            "--within {within}: it holds no localities of this level; use --level commune to see its communes",
        ),
        Reason::LocalityOutsideScope => {
            words("--within: {code} không thuộc {within}", "--within: {code} is not in {within}")
        }
        Reason::UnknownLocality => words(
            "không có đơn vị hành chính mang mã {code}; hãy tìm bằng: phuxanh search TỪ-KHÓA",
            "no locality has the code {code}; look for it with: phuxanh search TEXT",
        ),
        Reason::OutsideRole => words(
            "{field}: vai trò viewer:{own} chỉ được xem xã, dấu hiệu và nguồn số liệu của {own}: cần {own} hoặc một xã của {own}",
            "{field}: the role viewer:{own} sees communes, flags and receipts of {own} only: expected {own} or a commune of it",
        ),
        _ => words("", ""),
    }
}

/// Refusals of the caller. An arm of another group is never reached, and its words are found empty by a test.
const fn access(reason: Reason) -> Words {
    match reason {
        Reason::NoProof => words(
            "chưa chứng minh danh tính: dùng mã truy cập hoặc chứng thư có trong tệp phân quyền (--token-file, hoặc --tls-certificate cùng --tls-key)",
            "no identity: show a certificate or a token that access_file names (--token-file, or --tls-certificate and --tls-key)",
        ),
        Reason::UnknownToken => words(
            "mã truy cập không được nhận ra: đề nghị người quản trị cấp mã mới",
            "the token is unknown: ask an operator for a new one",
        ),
        Reason::ExposedToken => words(
            "mã truy cập đã gửi qua kết nối không mã hóa: dùng https:// và một mã mới",
            "the token came over plain text: use https:// and a new token",
        ),
        Reason::NoAccessFile => words(
            "bộ tổng hợp chưa có tệp phân quyền (access_file): đề nghị người quản trị thiết lập",
            "the aggregator has no access file (access_file): ask an operator to set it",
        ),
        Reason::AccessExpired => words(
            "quyền truy cập của {name} đã hết hạn từ {expiry}: đề nghị người quản trị gia hạn",
            "the access of {name} expired at {expiry}: ask an operator to renew it",
        ),
        Reason::AccessWithdrawn => words(
            "tệp phân quyền không còn cấp cho {name} vai trò {role}",
            "the access file no longer gives {name} the role {role}",
        ),
        Reason::CertificateRevoked => words(
            "chứng thư của kết nối đã bị thu hồi: dùng chứng thư khác (phuxanh pki renew)",
            "the certificate of this connection was revoked: use another one (phuxanh pki renew)",
        ),
        Reason::CertificateAuthority => words(
            "nơi cấp chứng thư của kết nối không còn được tin cậy: dùng chứng thư của nơi cấp khác",
            "the authority of this connection's certificate is no longer trusted: use one of another authority",
        ),
        Reason::CertificateInvalid => words(
            "chứng thư của kết nối không còn hiệu lực ({cause}): gia hạn bằng phuxanh pki renew",
            "the certificate of this connection is not valid ({cause}): renew it with phuxanh pki renew",
        ),
        Reason::RoleTooLow => words(
            "{name} có vai trò {role}, còn việc này cần vai trò {need}",
            "{name} has the role {role}, and this needs {need}",
        ),
        _ => words("", ""),
    }
}

/// Refusals for limits, and failures of the server. An arm of another group is never reached, and its words are found empty by a test.
const fn limit(reason: Reason) -> Words {
    match reason {
        Reason::ForeignPageToken => words(
            "kết quả đã thay đổi giữa chừng: hãy hỏi lại từ đầu",
            "the list changed on the way: ask again from its beginning",
        ),
        Reason::HeavyQuestionsWait => words(
            "bộ tổng hợp đang có quá nhiều câu hỏi nặng: hỏi lại sau {seconds} giây",
            "too many heavy questions wait: ask again in {seconds} s",
        ),
        Reason::ShareUsedUp => words(
            "tài khoản này đang có quá {allowed} câu hỏi nặng: hỏi lại sau {seconds} giây",
            "more than {allowed} heavy questions of this caller wait: ask again in {seconds} s",
        ),
        Reason::StoreOutOfReach => words(
            "câu trả lời này đọc nhật ký, mà kho dữ liệu không trả lời: {cause}",
            "this answer reads the log, and the store is out of reach: {cause}",
        ),
        Reason::Uncomputed => words(
            "không tính được kết quả: xem nhật ký của bộ tổng hợp",
            "the answer could not be computed: see the aggregator's log",
        ),
        Reason::TooLarge => words(
            "số liệu chính xác quá lớn: hãy hỏi một đơn vị nhỏ hơn hoặc chỉ số khác",
            "the exact figures are too large: ask for a smaller locality or another indicator",
        ),
        Reason::TlsRequired => words(
            "máy chủ chỉ nhận kết nối mã hóa: dùng https:// trong --server",
            "plain text came where TLS is served: use https:// in --server",
        ),
        Reason::TooManyRequests => words(
            "gửi quá {per_second} yêu cầu mỗi giây: hãy hỏi lại sau",
            "more than {per_second} requests came per second: ask again later",
        ),
        Reason::RequestTimeout => words(
            "bộ tổng hợp không trả lời xong trong {seconds} giây: hãy hỏi lại sau",
            "the aggregator did not answer within {seconds} s: ask again later",
        ),
        Reason::RequestTooLarge => words(
            "yêu cầu lớn hơn giới hạn {bytes} byte",
            "the request is larger than {bytes} bytes",
        ),
        _ => words("", ""),
    }
}

const fn expectation(expected: Expected) -> Words {
    match expected {
        Expected::Level => words("province (tỉnh) hoặc commune (xã)", "province or commune"),
        Expected::Order => words("thấp nhất hoặc cao nhất", "the lowest or the highest first"),
        Expected::ProvinceKind => words(
            "province (tỉnh) hoặc city (thành phố), vì đang xếp các tỉnh",
            "province or city, since provinces are ranked",
        ),
        Expected::CommuneKind => words(
            "commune (xã), ward (phường) hoặc special-zone (đặc khu), vì đang xếp các xã",
            "commune, ward or special-zone, since communes are ranked",
        ),
        Expected::RankBy => {
            words("giá trị, biến động hoặc độ chắc chắn", "the value, the change or the confidence")
        }
        Expected::Section => words("một phần mà phiên bản này có", "a section of this version"),
        Expected::FlagRule => {
            words("part, total, frozen, copied hoặc eve", "part, total, frozen, copied or eve")
        }
        Expected::Month => words(
            "một tháng dạng NĂM-THÁNG, ví dụ 2025-07, từ 2000-01",
            "a month as YYYY-MM, for example 2025-07, from 2000-01 on",
        ),
        Expected::MonthBegun => words(
            "một tháng đã bắt đầu, muộn nhất là {last}",
            "a month that has begun, up to {last}",
        ),
        Expected::MonthBefore => words("một tháng trước {period}", "a month before {period}"),
        Expected::MonthWithin => words(
            "một tháng không sớm quá {months} tháng trước --to và không sau --to",
            "a month up to {months} months before --to, and not after it",
        ),
        Expected::NoBaseline => {
            words("để trống, trừ khi hỏi về biến động", "nothing, unless changes are asked for")
        }
        Expected::Code => words(
            "mã gồm 2 chữ số (tỉnh, 00 là cả nước) hoặc 5 chữ số (xã)",
            "a code of 2 digits (province, 00 for the nation) or 5 (commune)",
        ),
        Expected::ProvinceCode => words("một tỉnh", "a province"),
        Expected::NotNation => words(
            "một tỉnh hoặc một xã: cả nước không có khoảng cách với chính mình",
            "a province or a commune: the nation has no distance to itself",
        ),
        Expected::Reporter => words(
            "mã một tỉnh, 00 cho trung ương, hoặc để trống cho tất cả",
            "the code of a province, 00 for the central office, or nothing for all",
        ),
        Expected::LevelOfMeasure | Expected::ReportingLocality | Expected::ReportedMetric => {
            reported(expected)
        }
        Expected::Criterion => words(
            "mã một tiêu chí (xem phuxanh catalogue), hoặc để trống cho xanh",
            "the id of a criterion (see phuxanh catalogue), or nothing for green",
        ),
        Expected::SearchText => words(
            "một tên, một phần của tên hoặc một mã, không quá {bytes} byte",
            "a name, part of one or a code, at most {bytes} bytes",
        ),
        Expected::NotNegative => words("0 hoặc một số lớn hơn", "0 or more"),
        Expected::Range => words("một số từ {least} đến {most}", "a number from {least} to {most}"),
        Expected::Percentage => {
            words("một số phần trăm từ 1 đến 100", "a percentage from 1 to 100")
        }
    }
}

/// Forms that follow from who reports what. An arm of another group is never reached.
const fn reported(expected: Expected) -> Words {
    match expected {
        Expected::LevelOfMeasure => words(
            "đơn vị cấp cao hơn, vì {id} được báo ở cấp {level}",
            "a locality of a higher level, since {id} is reported by each {level}",
        ),
        Expected::ReportingLocality => words(
            "một đơn vị cấp {level}, vì {id} được báo ở cấp này",
            "a {level}, since {id} is reported at that level",
        ),
        Expected::ReportedMetric => words(
            "một chỉ tiêu được báo: {id} là tổng của {parts}",
            "one that is reported: {id} is the sum of {parts}",
        ),
        _ => words("", ""),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Keys that stand in a template.
    fn keys(template: &str) -> Vec<&str> {
        let places = template.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        let mut keys: Vec<_> = places.map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn assert_complete(name: &str, told: &Words, known: &[&str]) {
        assert!(!told.vi.is_empty() && !told.en.is_empty(), "{name} lacks a language");
        assert_ne!(told.vi, told.en, "{name} says the same in both");
        assert_eq!(keys(&told.vi), keys(&told.en), "{name}");
        assert!(keys(&told.vi).iter().all(|key| known.contains(key)), "{name}: {told:?}");
    }

    #[test]
    fn every_reason_has_a_wording_in_both_languages() {
        for reason in Reason::ALL {
            assert_complete(reason.as_str(), &wording(*reason), reason.keys());
        }
        for expected in Expected::ALL {
            assert_complete(expected.as_str(), &expectation(*expected), expected.keys());
        }
        for hint in Hint::ALL {
            assert_complete(hint.as_str(), &meaning(*hint), hint.keys());
        }
    }

    #[test]
    fn a_form_stands_beside_the_option_that_lacks_it() {
        let metadata =
            [("field", "part_max"), ("expected", "RANGE"), ("least", "1"), ("most", "1000")];
        let metadata: HashMap<_, _> =
            metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let details =
            tonic_types::ErrorDetails::with_error_info("MALFORMED_FIELD", ERROR_DOMAIN, metadata);
        let status = Status::with_error_details(tonic::Code::InvalidArgument, "fallback", details);
        let told = |language| text(&status, Asked::Other, language);
        assert_eq!(
            told(Language::Vietnamese).as_deref(),
            Some("--parts: cần một số từ 1 đến 1000")
        );
        assert_eq!(
            told(Language::English).as_deref(),
            Some("--parts: expected a number from 1 to 1000")
        );
        let later = tonic_types::ErrorDetails::with_error_info(
            "LATER",
            ERROR_DOMAIN,
            HashMap::<String, String>::new(),
        );
        let status = Status::with_error_details(tonic::Code::Internal, "fallback", later);
        assert_eq!(text(&status, Asked::Other, Language::Vietnamese), None);
    }
}
