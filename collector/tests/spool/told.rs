//! Officers are told once of each value that superseded theirs, also after a restart.

use phuxanh_collector::spool::{self, Spool};
use phuxanh_core::figures::superseding::{Superseded, Superseding};
use tempfile::TempDir;

use super::{
    bench::{clock, close, config},
    step::{Said, log_id},
};

fn theirs(place: u8, value: u8, minute: u8) -> Superseding {
    let observation = Said { place, value, minute }.observation();
    Superseding { observation, log_epoch: 1, host: "wrong".to_owned() }
}

async fn superseded(spool: &Spool, values: &[Superseding]) -> Vec<Superseding> {
    let found = spool.handle.superseded(values.to_vec()).await.expect("open");
    found.into_iter().map(|Superseded { by, .. }| by).collect()
}

#[tokio::test]
async fn a_value_is_told_once_and_a_later_one_again() {
    let folder = TempDir::new().expect("a folder");
    let open = || spool::open(folder.path(), config(), log_id(1), clock).expect("it opens");
    let spool = open();
    let own = [(0, 1, 5), (1, 1, 5), (2, 1, 5)];
    let own = own.map(|(place, value, minute)| Said { place, value, minute }.observation());
    spool.handle.append(own.to_vec()).await.expect("room");
    // Later; earlier; later and equal; of a cell that this collector never reported.
    let values = [theirs(0, 2, 6), theirs(1, 2, 4), theirs(2, 1, 6), theirs(3, 2, 6)];
    assert_eq!(superseded(&spool, &values).await, [values[0].clone()]);
    spool.handle.note_told(vec![values[0].clone()]).await.expect("open");
    assert_eq!(superseded(&spool, &values).await, []);
    close(spool).await;
    let spool = open();
    assert_eq!(superseded(&spool, &values).await, []);
    let later = theirs(0, 3, 7);
    assert_eq!(superseded(&spool, std::slice::from_ref(&later)).await, [later]);
    close(spool).await;
}
