//! Tables that people see.

use crate::{ask, ask_json, fake::Fake};

#[test]
fn lowest_is_a_table_for_people() {
    let fake = Fake::start();
    let text = ask(&fake, &["lowest"]).output();
    let expected = "\
Tỷ lệ phủ xanh (green_coverage), lowest first: provinces of Việt Nam (00),
2025-07
stale: its newest observation is older than the aggregator's limit

Rank  Code  Name        Value     Green  Not green  Unknown  Status  Notes
───────────────────────────────────────────────────────────────────────────────
   1  04    Cao Bằng   5.36 %   3 of 56         53        0  red
   2  12    Lai Châu   7.89 %   3 of 38         35        0  red
   3  48    Đà Nẵng   42.55 %  40 of 94         54        0  red     synthetic

3 ranked provinces
";
    assert!(text.starts_with(expected), "{text}");
    let end = "\nsynthetic: made up to fit the published totals\n\
               Not shown: Data time; -o wide shows all.\n";
    assert!(text.ends_with(end), "{text}");
    assert!(!text.contains('\u{1b}'), "a pipe gets no colours");
    let text = ask(&fake, &["lowest", "-o", "wide"]).output();
    assert!(text.contains("red     2025-07-31 16:00  synthetic"), "{text}");
}

#[test]
fn the_same_table_is_vietnamese_throughout() {
    let fake = Fake::start();
    let text = ask(&fake, &["lowest", "--lang", "vi"]).output();
    let expected = "\
Tỷ lệ phủ xanh (green_coverage), xếp từ thấp nhất: các tỉnh của Việt Nam (00),
2025-07
cũ: số liệu mới nhất đã quá thời hạn đặt ở bộ tổng hợp

Hạng  Mã  Tên       Giá trị        Xanh  Chưa xanh  Chưa rõ  Màu  Ghi chú
──────────────────────────────────────────────────────────────────────────────
   1  04  Cao Bằng   5,36 %   3 trên 56         53        0  đỏ
   2  12  Lai Châu   7,89 %   3 trên 38         35        0  đỏ
   3  48  Đà Nẵng   42,55 %  40 trên 94         54        0  đỏ   số liệu mẫu

3 tỉnh có thứ hạng
";
    assert!(text.starts_with(expected), "{text}");
    let text = ask(&fake, &["lowest", "--lang", "vi", "-o", "wide"]).output();
    assert!(text.contains("16:00 31/07/2025"), "{text}");
    let text = ask(&fake, &["lowest", "--lang", "en"]).output();
    assert!(text.starts_with("Green coverage (green_coverage), lowest first"), "{text}");
}

#[test]
fn those_left_out_are_named_in_short() {
    let fake = Fake::start();
    let text = ask(&fake, &["lowest"]).output();
    assert!(text.contains("Unknown, not all that it takes was reported: 13\n"), "{text}");
    assert!(text.contains("\nand 3 more; -o wide shows all\n"), "{text}");
    assert!(text.contains("Untested, the denominator is 0: 2\n"), "{text}");
    assert!(!ask(&fake, &["lowest", "-o", "wide"]).output().contains("more;"), "all are named");
}

#[test]
fn values_have_the_unit_of_the_catalogue() {
    let fake = Fake::start();
    let text = ask(&fake, &["lowest", "--indicator", "applications_per_day"]).output();
    assert!(text.contains("56,136.36 per commune and day  1,235,000 / 22  54 of 56"), "{text}");
    let text = ask(&fake, &["lowest", "--indicator", "online_submission_rate"]).output();
    assert!(text.contains("32.73 %  3,273 of 10,000  54 of 56"), "{text}");
}

#[test]
fn communes_of_the_nation_name_their_province() {
    let fake = Fake::start();
    let text = ask(&fake, &["lowest", "--level", "commune"]).output();
    assert!(text.contains("Hà Nội (01)"), "{text}");
    assert!(text.contains("10 of 2,500 ranked communes; --limit 0 shows all"), "{text}");
    let text = ask(&fake, &["lowest", "--within", "04"]).output();
    assert!(text.contains("communes of Cao Bằng (04),\n2025-07"), "{text}");
}

#[test]
fn standing_points_at_the_locality() {
    let fake = Fake::start();
    let text = ask(&fake, &["standing", "lai chau"]).output();
    assert!(text.contains("Lai Châu (12) has rank 2 of 34"), "{text}");
    let pointed: Vec<_> = text.lines().filter(|line| line.contains('→')).collect();
    assert_eq!(pointed.len(), 1);
    assert!(pointed[0].contains("Lai Châu"), "{text}");
}

#[test]
fn scorecard_counts_for_a_province_and_answers_for_a_commune() {
    let fake = Fake::start();
    let text = ask(&fake, &["scorecard", "04"]).output();
    assert!(text.starts_with("Cao Bằng (04), province, 2025-07\n"), "{text}");
    let unmet = text.lines().find(|line| line.contains("chữ ký số")).expect("its line");
    assert!(unmet.starts_with('✗') && unmet.contains("50      6        0"), "{text}");
    assert!(text.contains("12.50 %"), "{text}");
    assert!(text.contains("untested"), "{text}");

    let text = ask(&fake, &["scorecard", "01273"]).output();
    assert!(text.contains(" of Cao Bằng (04), 2025-07\n"), "{text}");
    assert!(!text.contains("Not green"), "a single commune needs no counts\n{text}");
    let unmet = text.lines().find(|line| line.contains("chữ ký số")).expect("its line");
    assert!(unmet.starts_with('✗') && unmet.contains("  no  "), "{text}");
    let silent = text.lines().find(|line| line.contains("Hội nghị")).expect("its line");
    assert!(silent.starts_with(' ') && silent.contains("  unknown  "), "{text}");
}

#[test]
fn the_other_commands_have_tables_too() {
    let fake = Fake::start();
    let text = ask(&fake, &["collectors", "-o", "wide"]).output();
    assert!(text.contains("11 of 12") && text.contains("1,456"), "{text}");
    let text = ask(&fake, &["catalogue", "-o", "wide"]).output();
    for part in
        ["Criteria", "Measures", "Indicators", "Hồ sơ nộp trực tuyến", "per commune and day"]
    {
        assert!(text.contains(part), "{text}");
    }
    let text = ask(&fake, &["search", "thua thien hue"]).output();
    assert!(text.contains("46") && text.contains("city"), "{text}");
    assert_eq!(ask(&fake, &["search", "xyzzy"]).output(), "No locality matches \"xyzzy\".\n");
}

#[test]
fn the_mesh_shows_who_is_behind_and_that_the_store_is_out_of_reach() {
    let fake = Fake::start();
    let table = ask(&fake, &["mesh", "-o", "wide"]).output();
    let head = "Store: redis, refuses writes (durable means always when it takes them)\nOut of reach \
                since 2025-07-31 16:00: redis is out of reach: connection refused\n";
    assert!(table.starts_with(head), "{table}");
    let alarm = "      store  store refuses writes  2025-07-31 16:00  the server answers writes with OOM: \
                 raise maxmemory\n";
    assert!(table.ends_with(&format!("{alarm}\nTimes are Vietnamese (UTC+7).\n")), "{table}");
    let json = ask_json(&fake, &["mesh"]);
    assert_eq!(json["store"].get("durability"), None, "{json}");
    assert_eq!(json["store"]["alarms"][0]["kind"], "store_refuses_writes", "{json}");
    let row = |id: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.contains(id)).expect("its line");
        line.split_whitespace().map(str::to_owned).collect()
    };
    let times = ["2025-07-31", "16:00", "2025-07-31", "16:00", "v1"];
    let expected = [&["01010101", "yes", "centre-1", "127.0.0.1:7401"], &times[..]].concat();
    assert_eq!(row("01010101"), [&expected[..], &["0", "04,", "12"]].concat());
    let expected = [&["02020202", "no", "centre-2", "127.0.0.1:7402"], &times[..]].concat();
    assert_eq!(row("02020202"), [&expected[..], &["1,200"]].concat());
}
