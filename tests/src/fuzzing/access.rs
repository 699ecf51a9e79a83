//! Access files.

use std::{collections::BTreeSet, sync::LazyLock};

use phuxanh_core::{
    delivery::identity::{
        SpiffeId,
        access::{Access, Role, Sign},
    },
    gazetteer::Gazetteer,
};

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::builtin);

/// Reads the bytes as an access file. Names and signs of one that is taken are unique, roles are of
/// provinces that there are, and no row says other than the name of a collector's certificate.
pub(super) fn run(bytes: &[u8]) {
    let read = match Access::parse(bytes, &GAZETTEER) {
        Ok(read) => read,
        Err(faults) => {
            return assert!(faults.0.iter().all(|it| !it.is_empty()) && !faults.0.is_empty());
        }
    };
    let mut names = BTreeSet::new();
    for grant in read.grants() {
        assert!(names.insert(&grant.name), "{} stands twice", grant.name);
        assert!(read.holds(grant));
        assert_eq!(grant.role.to_string().parse(), Ok(grant.role));
        if let Role::Collector(code) | Role::Viewer(Some(code)) = grant.role {
            assert!(GAZETTEER.locality(code).is_some(), "{code} is nowhere");
        }
        if let (Sign::Identity(uri), Role::Collector(code)) = (&grant.sign, grant.role)
            && let Ok(named) = uri.parse::<SpiffeId>()
        {
            assert_eq!(named.reporter, code);
        }
    }
    assert!(read.changes(&read).is_empty());
    assert_eq!(read.changes(&Access::default()).len(), names.len());
}
