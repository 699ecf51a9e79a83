//! Reach of a question: which figures it asks for. Viewers of one province see communes, flags and
//! receipts there only, and the figures of provinces everywhere.
//!
//! Each request says its reach, or it cannot be answered: no question is left out.

use phuxanh_core::{Level, LocalityCode, delivery::identity::access::Role, gazetteer::Gazetteer};
use phuxanh_proto::v1;
use tonic::Request;

use super::Error;
use crate::access::Admitted;

/// Figures that a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach<'a> {
    /// Names, definitions, and figures of provinces and the nation.
    Open,
    /// Figures of a locality.
    Locality(&'a str),
    /// Communes of a province, or details of a locality, named by the field.
    Parts { field: &'static str, of: &'a str },
    /// Figures of a commune beside others of a province.
    Among { code: &'a str, within: &'a str },
}

/// Request of a query service.
pub(super) trait Asks {
    fn reach(&self) -> Reach<'_>;
}

/// Checks that the caller of a request may see what it asks for. Without a caller the request comes
/// from this process.
pub(super) fn check<Q: Asks>(request: &Request<Q>, gazetteer: &Gazetteer) -> Result<(), Error> {
    let admitted = request.extensions().get::<Admitted>();
    match admitted.map(|admitted| admitted.asker.role) {
        Some(Role::Viewer(Some(own))) => See { own, gazetteer }.check(request.get_ref().reach()),
        Some(Role::Viewer(None) | Role::Operator | Role::Collector(_)) | None => Ok(()),
    }
}

/// Sight of a viewer of one province.
struct See<'a> {
    own: LocalityCode,
    gazetteer: &'a Gazetteer,
}

impl See<'_> {
    fn check(&self, reach: Reach<'_>) -> Result<(), Error> {
        let own = self.own;
        let refuse = |field, expected| Err(Error::OutsideRole { field, own, expected });
        match reach {
            Reach::Open => Ok(()),
            Reach::Locality(code) | Reach::Among { code, .. } if !is_commune(code) => Ok(()),
            Reach::Locality(code) if self.holds(code) => Ok(()),
            Reach::Locality(_) => {
                refuse("code", format!("expected a province, or a commune of {own}"))
            }
            Reach::Among { within, .. } if within.parse() == Ok(own) => Ok(()),
            Reach::Among { .. } => refuse("within", format!("expected {own}")),
            Reach::Parts { of, .. } if self.holds(of) => Ok(()),
            Reach::Parts { field, .. } => refuse(field, format!("expected {own}")),
        }
    }

    /// True for the province and its communes, and for a code that the question itself refuses.
    fn holds(&self, text: &str) -> bool {
        let Ok(code) = text.parse::<LocalityCode>() else { return !text.is_empty() };
        match self.gazetteer.locality(code) {
            Some(locality) => code == self.own || locality.province == Some(self.own),
            None => true,
        }
    }
}

fn is_commune(text: &str) -> bool {
    text.parse::<LocalityCode>().is_ok_and(|code| code.level() == Level::Commune)
}

/// Communes where they are asked for; the level is that of the request.
fn of_level(level: i32, within: &str) -> Reach<'_> {
    if level == i32::from(v1::Level::Commune) {
        Reach::Parts { field: "within", of: within }
    } else {
        Reach::Open
    }
}

/// Says the reach of each request.
macro_rules! asks {
    ($($request:ident: $asked:ident => $reach:expr;)*) => {
        $(impl Asks for v1::$request {
            fn reach(&self) -> Reach<'_> {
                let $asked = self;
                $reach
            }
        })*
    };
}

asks! {
    // Counts by province, names and definitions.
    GetCatalogueRequest: _asked => Reach::Open;
    GetCompletenessRequest: _asked => Reach::Open;
    GetDistributionRequest: _asked => Reach::Open;
    GetLocalityRequest: _asked => Reach::Open;
    GetShortfallsRequest: _asked => Reach::Open;
    ListLocalitiesRequest: _asked => Reach::Open;
    SearchLocalitiesRequest: _asked => Reach::Open;
    GetGapRequest: asked => Reach::Locality(&asked.code);
    GetScorecardRequest: asked => Reach::Locality(&asked.code);
    GetTrendRequest: asked => Reach::Locality(&asked.code);
    GetStandingRequest: asked => Reach::Among { code: &asked.code, within: &asked.within };
    // These list communes below the locality, or how it came to its figure.
    ComparePeriodsRequest: asked => Reach::Parts { field: "code", of: &asked.code };
    GetCauseRequest: asked => Reach::Parts { field: "code", of: &asked.code };
    GetPathRequest: asked => Reach::Parts { field: "code", of: &asked.code };
    ListDaysRequest: asked => Reach::Parts { field: "code", of: &asked.code };
    ListFlagsRequest: asked => Reach::Parts { field: "within", of: &asked.within };
    ListHistoryRequest: asked => Reach::Parts { field: "code", of: &asked.code };
    ListLackingRequest: asked => Reach::Parts { field: "within", of: &asked.within };
    ListReceiptsRequest: asked => Reach::Parts { field: "code", of: &asked.code };
    ListSilentRequest: asked => of_level(asked.level, &asked.within);
    RankGapsRequest: asked => of_level(asked.level, &asked.within);
    RankLocalitiesRequest: asked => of_level(asked.level, &asked.within);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sees(reach: Reach<'_>) -> Result<(), String> {
        let gazetteer = Gazetteer::builtin();
        let own = "04".parse().expect("a code");
        See { own, gazetteer: &gazetteer }.check(reach).map_err(|error| error.to_string())
    }

    #[test]
    fn communes_are_seen_in_the_own_province_only() {
        let gazetteer = Gazetteer::builtin();
        let commune = |province: &str| {
            let communes = &mut gazetteer.communes(province.parse().expect("a code"));
            communes.next().expect("a commune").code.to_string()
        };
        let (own, other) = (commune("04"), commune("96"));
        let parts = |of| Reach::Parts { field: "code", of };
        let among = |code, within| Reach::Among { code, within };
        for seen in [
            Reach::Open,
            Reach::Locality("96"),
            Reach::Locality("00"),
            Reach::Locality(&own),
            Reach::Locality("nonsense"),
            among("96", ""),
            among(&own, "04"),
            parts("04"),
            parts(&own),
            of_level(v1::Level::Province.into(), ""),
            of_level(v1::Level::Commune.into(), "04"),
        ] {
            assert_eq!(sees(seen), Ok(()), "{seen:?}");
        }
        for unseen in [
            Reach::Locality(&other),
            among(&own, ""),
            among(&own, "96"),
            among(&own, "00"),
            parts("96"),
            parts("00"),
            parts(""),
            parts(&other),
            of_level(v1::Level::Commune.into(), ""),
            of_level(v1::Level::Commune.into(), "00"),
        ] {
            let refusal = sees(unseen).expect_err("refused");
            assert!(refusal.contains("of 04 only") && refusal.contains("expected"), "{refusal}");
        }
    }
}
