//! Failures in Vietnamese.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{ask, fake::Fake, run};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

/// The complaint of a question in Vietnamese.
fn complaint(fake: &Fake, args: &[&str], exit_code: i32) -> String {
    ask(fake, &[&["--lang", "vi"], args].concat()).failure(exit_code)
}

#[test]
fn names_that_are_unclear() {
    let fake = Fake::start();
    let told = complaint(&fake, &["scorecard", "Tân Thành"], 1);
    assert!(told.contains(" đơn vị tên \"Tân Thành\"; hãy dùng mã:"), "{told}");
    let heading = told.lines().find(|line| line.contains("Mã")).expect("a heading");
    assert_eq!(heading.split_whitespace().collect::<Vec<_>>(), ["Mã", "Tên", "Loại", "Tỉnh"]);
    assert!(told.contains(" xã ") && !told.contains("commune"), "{told}");
    let english = ask(&fake, &["--lang", "en", "scorecard", "Tân Thành"]).failure(1);
    assert!(english.contains("Ca Mau (96)") && !english.contains("Cà Mau"), "{english}");
    let told = complaint(&fake, &["lowest", "--within", "xyzzy"], 1);
    assert!(told.contains("không có tỉnh nào tên \"xyzzy\""), "{told}");
    assert!(told.contains("Hãy tìm bằng: phuxanh search TỪ-KHÓA"), "{told}");
}

/// A program reads why its arguments are wrong, as it reads every other failure.
#[test]
fn arguments_that_are_wrong_are_json_where_json_is_asked() {
    for (args, says) in [
        (&["-o", "json", "lowest", "--perod", "x"][..], "unexpected argument '--perod'"),
        (&["--lang", "vi", "--json", "lowset"], "không có lệnh 'lowset'"),
        (&["lowest", "--limit", "x", "--output=json"], "invalid value 'x'"),
    ] {
        let told: Value = run(NOBODY, args).failure(2).parse().expect("JSON");
        let message = told["error"]["message"].as_str().expect("a message");
        assert!(message.contains(says) && told["error"]["exit_code"] == 2, "{told}");
    }
    let plain = run(NOBODY, &["lowest", "--perod", "json"]).failure(2);
    assert!(plain.starts_with("error: "), "{plain}");
}

#[test]
fn connections_that_fail() {
    let told = run(NOBODY, &["--lang", "vi", "mesh"]).failure(69);
    assert!(told.contains("tại http://127.0.0.1:1: kết nối bị từ chối ("), "{told}");
    let folder = TempDir::new().expect("a folder");
    let pki = folder.path().join("pki").display().to_string();
    let init = ["--lang", "vi", "pki", "init", "--trust-domain", "egov.example", "--dir", &pki];
    let made = run(NOBODY, &init).output();
    assert!(made.contains("Tình trạng") && made.contains("còn hiệu lực"), "{made}");
    assert!(made.contains("Đã ghi: ") && made.contains("Hãy phát chứng thư cho mọi bên"), "{made}");
    let again = run(NOBODY, &init).failure(1);
    assert!(again.contains("authority.pem đã có và không bị ghi đè"), "{again}");
    let fake = Fake::start();
    let server = fake.server().replace("http://", "https://");
    let authorities = format!("{pki}/authority.pem");
    let args = ["--lang", "vi", "mesh", "--server", &server, "--tls-authorities", &authorities];
    let told = run(NOBODY, &args).failure(69);
    assert!(told.contains("đầu kia không dùng TLS ở cổng này"), "{told}");
}

#[test]
fn files_that_cannot_be_used() {
    let fake = Fake::start();
    let folder = TempDir::new().expect("a folder");
    let missing = folder.path().join("none").display().to_string();
    let told = complaint(&fake, &["mesh", "--token-file", &missing], 2);
    let expected = format!("phuxanh: --token-file: {missing}: không có tệp hoặc thư mục này\n");
    assert_eq!(told, expected);
    let open = folder.path().join("open");
    fs::write(&open, "phuxanh_0123456789abcdef0123456789abcdef").expect("written");
    let told = complaint(&fake, &["mesh", "--token-file", &open.display().to_string()], 2);
    assert!(told.contains("đang có quyền 6") && told.contains("chmod 600"), "{told}");
    let within = open.join("file").display().to_string();
    let told = complaint(&fake, &["catalogue", "--output-file", &within], 1);
    assert!(told.contains("không ghi được câu trả lời vào "), "{told}");
    assert!(told.contains("đường dẫn đi qua một tệp"), "{told}");
    let told = complaint(&fake, &["catalogue", "-o", "csv", "--table", "x"], 2);
    assert!(told.contains("không có bảng \"x\"\n  Các bảng: criteria, "), "{told}");
}
