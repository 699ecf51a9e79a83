//! From what people type to the code of one locality. Names repeat, so this never guesses.

use phuxanh_core::LocalityCode;
use phuxanh_proto::v1::{LocalityMatch, SearchLocalitiesRequest};

use crate::{
    client::Client,
    error::Error,
    paging,
    unresolved::{Among, Unresolved, is_province},
};

/// Puts the code of the locality that a text names in its place; an empty text stays.
pub async fn name(client: &Client, text: &mut String, among: Among) -> Result<(), Error> {
    if !text.is_empty() {
        *text = code(client, text, among).await?;
    }
    Ok(())
}

/// The code of the locality that a text names. A text of a code's shape is taken as the code.
async fn code(client: &Client, text: &str, among: Among) -> Result<String, Error> {
    let text = text.trim();
    if text.parse::<LocalityCode>().is_ok() {
        return Ok(text.to_owned());
    }
    // "Tân Thành, Cà Mau": the second name tells which of the bearers of the first one is meant.
    let Some((name, province)) = text.rsplit_once(',') else {
        return Ok(choose(text, among, search(client, text).await?)?);
    };
    let province = choose(province, Among::Scopes, search(client, province).await?)?;
    Ok(choose(text, among, within(search(client, name).await?, &province))?)
}

async fn search(client: &Client, text: &str) -> Result<Vec<LocalityMatch>, Error> {
    // The best matches come first, and no name has a thousand bearers.
    let ask = SearchLocalitiesRequest {
        text: text.trim().to_owned(),
        page_size: i32::try_from(paging::PAGE_MAX).expect("a small constant"),
        page_token: String::new(),
    };
    Ok(client.ask(client.localities().search_localities(ask)).await?.matches)
}

/// The matches that lie in a province.
fn within(mut matches: Vec<LocalityMatch>, province: &str) -> Vec<LocalityMatch> {
    matches.retain(|found| {
        found.locality.as_ref().is_some_and(|locality| locality.province_code == province)
    });
    matches
}

/// One bearer of the very name wins; among several, the only province.
fn choose(text: &str, among: Among, matches: Vec<LocalityMatch>) -> Result<String, Unresolved> {
    let (mut exact, mut near) = (Vec::new(), Vec::new());
    for found in matches {
        let Some(locality) = found.locality else { continue };
        if among.takes(locality.kind()) {
            if found.exact { &mut exact } else { &mut near }.push(locality);
        }
    }
    let mut provinces = exact.iter().filter(|found| is_province(found.kind()));
    match (exact.as_slice(), provinces.next(), provinces.next()) {
        ([only], _, _) => Ok(only.code.clone()),
        (_, Some(province), None) => Ok(province.code.clone()),
        ([], _, _) => {
            Err(Unresolved { text: text.to_owned(), among, exact: false, candidates: near })
        }
        _ => Err(Unresolved { text: text.to_owned(), among, exact: true, candidates: exact }),
    }
}

#[cfg(test)]
mod tests {
    use phuxanh_proto::v1::{Locality, LocalityKind};

    use super::*;

    fn found(code: &str, kind: LocalityKind, exact: bool) -> LocalityMatch {
        let province_code = if code.len() == 5 { "46".to_owned() } else { String::new() };
        let locality = Locality {
            code: code.to_owned(),
            name: "Tên".to_owned(),
            kind: kind.into(),
            province_name: province_code.clone(),
            province_code,
            ..Default::default()
        };
        LocalityMatch { locality: Some(locality), exact }
    }

    fn candidates(outcome: Result<String, Unresolved>) -> (bool, Vec<String>) {
        let unresolved = outcome.expect_err("names no single locality");
        let codes = unresolved.candidates.into_iter().map(|found| found.code);
        (unresolved.exact, codes.collect())
    }

    #[test]
    fn the_only_bearer_of_the_name_wins() {
        let matches = vec![
            found("12", LocalityKind::Province, true),
            found("13", LocalityKind::Province, false),
        ];
        assert_eq!(choose("x", Among::All, matches), Ok("12".to_owned()));
    }

    #[test]
    fn the_only_province_wins_over_communes() {
        let matches = vec![
            found("46", LocalityKind::City, true),
            found("19804", LocalityKind::Ward, true),
            found("19805", LocalityKind::Commune, true),
        ];
        assert_eq!(choose("x", Among::All, matches), Ok("46".to_owned()));
    }

    #[test]
    fn several_bearers_are_candidates() {
        let communes = vec![
            found("00004", LocalityKind::Ward, true),
            found("00008", LocalityKind::Commune, true),
            found("00010", LocalityKind::Commune, false),
        ];
        let bearers = vec!["00004".to_owned(), "00008".to_owned()];
        assert_eq!(candidates(choose("x", Among::All, communes)), (true, bearers));
        let provinces = vec![
            found("01", LocalityKind::City, true),
            found("04", LocalityKind::Province, true),
            found("00004", LocalityKind::Ward, true),
        ];
        assert_eq!(candidates(choose("x", Among::All, provinces)).1.len(), 3);
    }

    #[test]
    fn the_province_tells_bearers_of_one_name_apart() {
        let mut other = found("00008", LocalityKind::Commune, true);
        other.locality.as_mut().expect("one").province_code = "01".to_owned();
        let matches = || vec![found("00004", LocalityKind::Ward, true), other.clone()];
        let chosen = |province| choose("x", Among::All, within(matches(), province));
        assert_eq!(chosen("01"), Ok("00008".to_owned()));
        assert_eq!(chosen("46"), Ok("00004".to_owned()));
        assert_eq!(candidates(chosen("04")), (false, Vec::new()));
    }

    #[test]
    fn a_similar_name_is_never_taken() {
        let matches = vec![found("12", LocalityKind::Province, false)];
        assert_eq!(candidates(choose("x", Among::All, matches)), (false, vec!["12".to_owned()]));
        assert_eq!(candidates(choose("x", Among::All, Vec::new())), (false, Vec::new()));
    }

    #[test]
    fn communes_are_no_scopes() {
        let matches = vec![
            found("00004", LocalityKind::Ward, true),
            found("00", LocalityKind::Nation, true),
            found("00008", LocalityKind::Commune, true),
        ];
        assert_eq!(choose("x", Among::Scopes, matches), Ok("00".to_owned()));
        let matches = vec![found("00004", LocalityKind::Ward, true)];
        assert_eq!(candidates(choose("x", Among::Scopes, matches)), (false, Vec::new()));
    }

    #[test]
    fn candidates_are_told_with_kind_and_province() {
        let matches = vec![
            found("00004", LocalityKind::Ward, true),
            found("00008", LocalityKind::Commune, true),
        ];
        let message = choose("tên", Among::All, matches).expect_err("two").to_string();
        for part in ["2 localities bear the name \"tên\"", "use a code", "00004", "ward", "46 (46)"]
        {
            assert!(message.contains(part), "{message}");
        }
    }
}
