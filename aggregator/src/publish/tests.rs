use phuxanh_core::figures::rollup::fixture::{
    Log, catalogue, code, gazetteer, july, observation, period,
};

use super::*;

#[test]
fn the_second_sweep_behind_a_question_drops_its_figures() {
    let empty = View::empty(catalogue(), gazetteer());
    let mut log = Log::new();
    log.write(vec![observation("00003", "a", "2025-07", Some(1), july(1))]);
    let (catalogue, gazetteer, changes) = (catalogue(), gazetteer(), Changes::new());
    let rollup =
        ProvinceRollup::build(code("08"), log.fold(), &catalogue, &gazetteer, None, &changes);
    let (sender, receiver) = watch::channel(Arc::new(empty.with(vec![Arc::new(rollup)])));
    let held_count = || {
        let view = Arc::clone(&receiver.borrow());
        view.reporters().flat_map(|rollup| rollup.held_periods()).count()
    };
    let version = receiver.borrow().version().to_owned();
    assert_eq!(receiver.borrow().nation(period("2025-07")).provinces().count(), 4);
    let counts = [0; 3].map(|_| {
        sweep(&sender);
        held_count()
    });
    assert_eq!(counts, [1, 0, 0]);
    assert_eq!(receiver.borrow().version(), version);
}
