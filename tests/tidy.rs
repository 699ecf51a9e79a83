//! The rules of the tree hold. Each is explained where it is written, in `src/tidy/`.

use std::{process::Command, sync::LazyLock};

use phuxanh_tests::tidy::{Tree, Violation, cycles, edges, form, logs, purity};

static TREE: LazyLock<Tree> =
    LazyLock::new(|| Tree::of_workspace().expect("the tree is readable Rust"));

fn keeps(rule: fn(&Tree) -> Vec<Violation>) {
    let violations: Vec<String> = rule(&TREE).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn pure_modules_name_no_io() {
    keeps(purity::pure_modules_name_no_io);
}

/// The resolved dependencies, since a forbidden crate could come with an allowed one.
#[test]
fn the_core_depends_on_nothing_that_acts() {
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(env!("CARGO_MANIFEST_DIR"));
    tree.args("tree --package phuxanh-core --edges normal --locked --prefix none".split(' '));
    let answer = tree.output().expect("cargo runs where it was built");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let dependencies = String::from_utf8(answer.stdout).expect("names");
    assert!(dependencies.starts_with("phuxanh-core "), "{dependencies}");
    assert_eq!(purity::forbidden_in_core(&dependencies), [""; 0]);
}

#[test]
fn pure_modules_exist() {
    keeps(purity::pure_modules_exist);
}

#[test]
fn wire_types_stay_outside() {
    keeps(edges::wire_types_stay_outside);
}

#[test]
fn acknowledgements_know_no_cache() {
    keeps(edges::acknowledgements_know_no_cache);
}

#[test]
fn every_queue_has_a_named_bound() {
    keeps(edges::every_queue_has_a_named_bound);
}

#[test]
fn state_has_one_owner() {
    keeps(edges::state_has_one_owner);
}

#[test]
fn questions_are_answered_in_one_place() {
    keeps(edges::questions_are_answered_in_one_place);
}

#[test]
fn daemons_do_not_import_each_other() {
    keeps(edges::daemons_do_not_import_each_other);
}

#[test]
fn modules_need_each_other_one_way() {
    keeps(cycles::modules_need_each_other_one_way);
}

#[test]
fn crates_need_each_other_one_way() {
    keeps(cycles::crates_need_each_other_one_way);
}

#[test]
fn only_main_knows_clap() {
    keeps(edges::only_main_knows_clap);
}

#[test]
fn anyhow_stays_at_the_top() {
    keeps(edges::anyhow_stays_at_the_top);
}

#[test]
fn files_are_short() {
    keeps(form::files_are_short);
}

#[test]
fn functions_are_short() {
    keeps(form::functions_are_short);
}

#[test]
fn switched_off_lints_have_a_reason() {
    keeps(form::switched_off_lints_have_a_reason);
}

#[test]
fn files_are_named_by_what_they_own() {
    keeps(form::files_are_named_by_what_they_own);
}

#[test]
fn nothing_is_unwrapped() {
    keeps(form::nothing_is_unwrapped);
}

#[test]
fn no_test_is_ignored() {
    keeps(form::no_test_is_ignored);
}

#[test]
fn tests_do_not_sleep() {
    keeps(form::tests_do_not_sleep);
}

#[test]
fn no_debug_form_is_logged() {
    keeps(logs::no_debug_form_is_logged);
}

#[test]
fn no_path_of_a_machine() {
    keeps(form::no_path_of_a_machine);
}
