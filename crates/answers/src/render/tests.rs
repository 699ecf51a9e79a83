use super::*;
use crate::{
    Sentence, Unit,
    document::{Part, Table},
};

/// A document that tries to leave its cells.
fn document() -> Document {
    let mut document = Document::default();
    document.head.push(Sentence::new("Hỏi {0}", "Asked {0}", [Cell::text("<a> | *b*")]));
    document.fact("counts.all", Cell::count(2));
    let mut table = Table::of_parts(vec![Part::list("rows", 1), Part::single("total")]);
    let names = ["<b>", "Tổng|x"].map(Cell::text);
    table.add(Importance::Key, "name", words("Tên", "Name"), names);
    let shares = [Cell::share(1, 2, 0.5), Cell::share(3, 4, 0.75)];
    table.add(Importance::Main, "share.value", words("Tỷ lệ", "Share"), shares);
    let change = |value| Cell::from(Value::Difference { value, unit: Unit::Share });
    let label = words("Biến động", "Change");
    table.add(Importance::Detail, "change", label, [change(-0.25), Cell::UNKNOWN]);
    let marks = |stale, basis| Cell::from(Value::Marks(Marks::new(stale, basis)));
    let marks = [marks(true, Basis::Unspecified), marks(true, Basis::Synthetic)];
    table.add(Importance::Mark, "stale basis", words("Ghi chú", "Notes"), marks);
    document.tables.push(table);
    document
}

#[test]
fn json_has_facts_lists_and_single_rows_under_dotted_keys() {
    let expected = serde_json::json!({
        "counts": { "all": 2 },
        "rows": [{ "name": "<b>", "share": { "value": 0.5 }, "change": -0.25, "stale": true }],
        "total": {
            "name": "Tổng|x", "share": { "value": 0.75 }, "stale": true, "basis": "synthetic",
        },
    });
    let found: serde_json::Value = serde_json::from_str(&json(&document())).expect("JSON");
    assert_eq!(found, expected);
}

#[test]
fn csv_has_a_field_for_every_key() {
    let expected = "\u{feff}name,share.value,change,stale,basis\n\
                    <b>,0.5,-0.25,true,\n\
                    Tổng|x,0.75,,true,synthetic\n";
    assert_eq!(csv(&document(), None).as_deref(), Ok(expected));
}

#[test]
fn markdown_is_not_steered_by_a_name() {
    let expected = "\
## Asked \\<a\\> \\| \\*b\\*

stale: its newest observation is older than the aggregator's limit

| Name | Share | Change | Notes |
| --- | ---: | ---: | --- |
| \\<b\\> | 50.00 % | -25.00 pp |  |
| Tổng\\|x | 75.00 % | – | synthetic |

synthetic: made up to fit the published totals
";
    assert_eq!(markdown(&document(), Language::Both), expected);
}

#[test]
fn html_is_not_steered_by_a_name() {
    let found = html(&document(), Language::Vietnamese);
    let row = "<tr><td>&lt;b&gt;</td><td class=\"number\">50,00 %</td>\
               <td class=\"number\">-25,00 điểm %</td><td></td></tr>\n";
    assert!(found.contains(row), "{found}");
    assert!(found.starts_with("<p>Hỏi &lt;a&gt; | *b*</p>\n"), "{found}");
    assert!(!found.contains("<a>") && !found.contains("<b>"), "{found}");
}

#[test]
fn text_leaves_out_the_least_important_columns_first_and_says_so() {
    let at = |width| {
        let language = Language::Both;
        text(&document(), Layout { language, colour: false, width })
    };
    let wide = at(None);
    assert!(wide.contains("Name      Share     Change  Notes\n"), "{wide}");
    assert!(!wide.contains("Not shown"), "{wide}");
    let narrow = at(Some(36));
    assert!(narrow.contains("Name      Share  Notes\n"), "{narrow}");
    assert!(narrow.ends_with("Not shown: Change; -o wide shows\nall.\n"), "{narrow}");
    let narrower = at(Some(20));
    assert!(narrower.contains("Name    Notes\n"), "{narrower}");
    assert!(narrower.contains("Not shown: Share,\nChange;"), "{narrower}");
}
