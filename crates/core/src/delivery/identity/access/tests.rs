use proptest::prelude::*;

use super::*;
use crate::delivery::identity::TrustDomain;

const TOKEN: &str = "phuxanh_of-a-test";
const COLLECTOR: &str = "spiffe://egov.example/province/04/collector/main";
const FILE: &str = r#"
format = 1

[[callers]]
name = "tool"
role = "viewer:04"
token_sha256 = "HASH"
expires = "2026-01-01T00:00:00+07:00"

[[callers]]
name = "an"
role = "operator"
identity = "spiffe://egov.example/caller/an"

[[callers]]
name = "mesh-04"
role = "collector:04"
identity = "spiffe://cluster.local/ns/phuxanh/sa/collector-04"
"#;

fn gazetteer() -> Gazetteer {
    Gazetteer::builtin()
}

fn access() -> Access {
    let text = FILE.replace("HASH", &TokenHash::of(TOKEN).to_string());
    Access::parse(text.as_bytes(), &gazetteer()).expect("a valid file")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn call(uris: &[String], token: Option<&str>) -> Call<'static> {
    let uris: &'static [String] = Box::leak(uris.to_vec().into_boxed_slice());
    Call { is_tls: true, is_local: false, uris, token: token.map(TokenHash::of) }
}

fn uri(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

const NOW: &str = "2025-07-31T16:00:00+07:00";

#[test]
fn a_token_or_a_certificate_gives_its_role() {
    let access = access();
    let policy = Policy { access: Some(&access), insecure_plaintext: false };
    let role = |call: Call<'_>| policy.asker(&call, at(NOW)).map(|asker| asker.role.to_string());
    assert_eq!(role(call(&[], Some(TOKEN))).as_deref(), Ok("viewer:04"));
    assert_eq!(
        role(call(&uri("spiffe://egov.example/caller/an"), None)).as_deref(),
        Ok("operator")
    );
    assert_eq!(role(call(&uri(COLLECTOR), None)).as_deref(), Ok("collector:04"));
    assert_eq!(role(call(&[], Some("another"))), Err(Denial::UnknownToken));
    assert_eq!(role(call(&[], None)), Err(Denial::NoProof));
    assert_eq!(role(call(&uri("spiffe://egov.example/caller/binh"), None)), Err(Denial::NoProof));
    let plain = Call { is_tls: false, ..call(&[], Some(TOKEN)) };
    assert_eq!(role(plain), Err(Denial::ExposedToken));
    assert_eq!(role(Call { is_local: true, ..plain }).as_deref(), Ok("viewer:04"));
    assert_eq!(role(Call { is_local: true, token: None, ..plain }), Err(Denial::NoProof));
    let expiry = at("2026-01-01T00:00:00+07:00");
    let expired = policy.asker(&call(&[], Some(TOKEN)), expiry);
    assert_eq!(expired, Err(Denial::Expired { name: "tool".to_owned(), expiry }));
}

#[test]
fn without_a_file_only_this_machine_is_served() {
    let policy = Policy { access: None, insecure_plaintext: false };
    let remote = call(&[], Some(TOKEN));
    assert_eq!(policy.asker(&remote, at(NOW)), Err(Denial::NoAccessFile));
    let local = Call { is_local: true, ..remote };
    assert_eq!(policy.asker(&local, at(NOW)).map(|it| it.role), Ok(Role::Operator));
    let plain = Call { is_tls: false, ..remote };
    let insecure = Policy { insecure_plaintext: true, ..policy };
    assert_eq!(insecure.asker(&plain, at(NOW)).map(|it| it.role), Ok(Role::Operator));
    assert_eq!(insecure.asker(&remote, at(NOW)), Err(Denial::NoAccessFile));
    assert_eq!(policy.deliverer(&local, Caller::Unproven), Caller::Unproven);
    assert_eq!(policy.deliverer(&remote, Caller::Unproven), denied(Denial::NoProof));
}

#[test]
fn a_role_is_enough_for_what_it_names() {
    let asker = |role: &str| Asker { grant: None, role: role.parse().expect("a role") };
    let may = |role: &str| {
        [Need::Nobody, Need::Collector, Need::Viewer, Need::Operator]
            .map(|need| asker(role).check(need).is_ok())
    };
    assert_eq!(may("collector:04"), [true, true, false, false]);
    assert_eq!(may("viewer"), [true, false, true, false]);
    assert_eq!(may("viewer:04"), [true, false, true, false]);
    assert_eq!(may("operator"), [true; 4]);
}

#[test]
fn a_grant_lets_deliver_for_its_reporter_alone() {
    let access = access();
    let policy = Policy { access: Some(&access), insecure_plaintext: true };
    let domain: TrustDomain = "egov.example".parse().expect("a trust domain");
    let mesh = uri("spiffe://cluster.local/ns/phuxanh/sa/collector-04");
    let certified = Caller::certified(&mesh, at(NOW), &domain);
    let caller = policy.deliverer(&call(&mesh, None), certified);
    let check = |caller: &Caller, code: &str| caller.check(code.parse().expect("a code"), at(NOW));
    assert_eq!(check(&caller, "04"), Ok(()));
    assert!(matches!(check(&caller, "96"), Err(Refusal::Granted { .. })));
    // A viewer delivers for nobody, and a collector's certificate is what counts beside a token.
    let viewer = policy.deliverer(&call(&[], Some(TOKEN)), Caller::anonymous(domain.clone()));
    assert!(matches!(check(&viewer, "04"), Err(Refusal::Granted { .. })));
    let own = Caller::certified(&uri(COLLECTOR), at("2025-12-01T00:00:00+07:00"), &domain);
    assert_eq!(policy.deliverer(&call(&uri(COLLECTOR), Some(TOKEN)), own.clone()), own);
    // Plain text delivers while provinces move to TLS, and only then.
    let plain = Call { is_tls: false, ..call(&[], None) };
    assert_eq!(policy.deliverer(&plain, Caller::Unproven), Caller::Unproven);
    let closed = Policy { insecure_plaintext: false, ..policy };
    assert_eq!(closed.deliverer(&plain, Caller::Unproven), denied(Denial::NoProof));
}

#[test]
fn every_fault_of_a_file_is_named_with_its_row() {
    let row = |fields: &str| format!("[[callers]]\n{fields}\n");
    let hash = TokenHash::of(TOKEN);
    let text = [
        "format = 1\n".to_owned(),
        row("name = \"a\"\nrole = \"viewer:99\"\nidentity = \"spiffe://x/a\""),
        row("name = \"a\"\nrole = \"admin\"\nidentity = \"spiffe://x/a\""),
        row("name = \"a\"\nrole = \"viewer\"\nidentity = \"an\""),
        row("name = \"a\"\nrole = \"viewer\""),
        row("name = \"a\"\nrole = \"viewer\"\ntoken_sha256 = \"secret\""),
        row(&format!("name = \"a\"\nrole = \"collector:96\"\nidentity = \"{COLLECTOR}\"")),
        row("name = \"\"\nrole = \"viewer\"\nidentity = \"spiffe://x/a\""),
        row(&format!("name = \"a\"\nrole = \"viewer\"\ntoken_sha256 = \"{hash}\"")),
        row(&format!("name = \"a\"\nrole = \"operator\"\ntoken_sha256 = \"{hash}\"")),
        row("name = \"b\"\nrole = \"viewer\"\nidentity = \"spiffe://x/b\"\nexpires = \"soon\""),
    ];
    let Faults(faults) = Access::parse(text.concat().as_bytes(), &gazetteer()).expect_err("faults");
    let expected = [
        (1, "role: the gazetteer has no province 99"),
        (2, "role: expected viewer,"),
        (3, "identity: expected the URI"),
        (4, "expected either identity or token_sha256"),
        (5, "token_sha256: expected 64 digits"),
        (6, "role: the identity is that of a collector of 04"),
        (7, "name: expected 1 to 64 bytes"),
        (9, "name: \"a\" stands twice"),
        (9, "identity or token_sha256 is that of \"a\", too"),
        (10, "expires: expected a time"),
    ];
    for (at, (fault, (row, words))) in faults.iter().zip(expected).enumerate() {
        assert!(fault.starts_with(&format!("callers, number {row}: {words}")), "{at}: {fault}");
    }
    assert_eq!(faults.len(), expected.len());
    assert!(!faults.concat().contains("secret"));
    for (text, words) in [
        ("format = 2", "format: expected 1"),
        ("format = 1\n[[callers]]\nname = \"a\"\nrole = \"x\"\npassword = \"secret\"", "line 5: "),
        ("format = 1\nname = secret", "line 2: "),
    ] {
        let fault = Access::parse(text.as_bytes(), &gazetteer()).expect_err("a fault").to_string();
        assert!(fault.starts_with(words) && !fault.contains("secret"), "{fault}");
    }
}

#[test]
fn changes_are_told_by_caller() {
    let now = access();
    let mut before = access();
    assert_eq!(now.changes(&before), [""; 0]);
    let operator = Sign::Identity("spiffe://egov.example/caller/an".to_owned());
    let grant = before.grants.get_mut(&operator).expect("a grant");
    *grant = Arc::new(Grant { role: Role::Viewer(None), ..(**grant).clone() });
    before.grants.retain(|sign, _| !matches!(sign, Sign::Token(_)));
    let told = now.changes(&before);
    assert_eq!(told, ["an gets operator instead of viewer", "tool gets viewer:04"]);
    let tool = now.grants().find(|grant| grant.name == "tool").expect("a grant");
    assert!(now.holds(tool) && !before.holds(tool));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        drop(Access::parse(&bytes, &gazetteer()));
    }

    #[test]
    fn roles_and_hashes_are_written_as_they_are_read(code in 1_u8..=99, token in ".*") {
        for text in [format!("collector:{code:02}"), format!("viewer:{code:02}")] {
            if let Ok(role) = text.parse::<Role>() {
                prop_assert_eq!(role.to_string(), text);
            }
        }
        let hash = TokenHash::of(&token);
        prop_assert_eq!(hash.to_string().parse::<TokenHash>(), Ok(hash));
    }
}
