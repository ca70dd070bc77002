use proptest::prelude::*;

use super::{
    forge::{
        Draft, KEY_CERT_SIGN, LONG, Party, authority, common_name, extension, purpose, tlv, usage,
    },
    *,
};

const AT: Moment = Moment(1_780_272_000);

fn roots(der: &[&[u8]]) -> Roots {
    let text: String =
        der.iter().map(|der| pem::block("CERTIFICATE", der).as_str().to_owned()).collect();
    Roots::read(text.as_bytes()).unwrap()
}

struct World {
    root: Party,
    middle: Party,
    leaf: Party,
}

impl World {
    fn new() -> Self {
        Self { root: Party::new("root"), middle: Party::new("middle"), leaf: Party::new("signer") }
    }

    fn roots(&self) -> Roots {
        roots(&[&Draft::authority(&self.root, &self.root, None).sign(&self.root.key)])
    }

    fn middle(&self) -> Vec<u8> {
        Draft::authority(&self.middle, &self.root, Some(0)).sign(&self.root.key)
    }

    fn leaf(&self) -> Vec<u8> {
        Draft::leaf(&self.leaf, &self.middle).sign(&self.middle.key)
    }

    /// What is wrong with a chain of this leaf, or of this authority, changed in some way.
    fn with_leaf(&self, change: impl FnOnce(&mut Draft)) -> Vec<Kind> {
        let mut draft = Draft::leaf(&self.leaf, &self.middle);
        change(&mut draft);
        kinds(&[draft.sign(&self.middle.key), self.middle()], &self.roots())
    }

    fn with_middle(&self, change: impl FnOnce(&mut Draft)) -> Vec<Kind> {
        let mut draft = Draft::authority(&self.middle, &self.root, Some(0));
        change(&mut draft);
        kinds(&[self.leaf(), draft.sign(&self.root.key)], &self.roots())
    }
}

fn kinds(chain: &[Vec<u8>], roots: &Roots) -> Vec<Kind> {
    check(chain, roots, AT).1.into_iter().map(|defect| defect.kind).collect()
}

#[test]
fn a_sound_chain_says_who_signed() {
    let world = World::new();
    let (signer, defects) = check(&[world.leaf(), world.middle()], &world.roots(), AT);
    assert_eq!(defects, []);
    let signer = signer.unwrap();
    assert_eq!(signer.key, world.leaf.key.public());
    assert_eq!(
        (signer.subject.as_str(), signer.common_name.as_deref()),
        ("CN=signer", Some("signer"))
    );
    assert_eq!(signer.valid, LONG);
    assert!(signer.is("signer") && signer.is("CN=signer"));
    assert!(!signer.is("sign") && !signer.is("Signer") && !signer.is(""));
}

#[test]
fn order_detours_and_a_repeated_root_do_no_harm() {
    let world = World::new();
    let root = Draft::authority(&world.root, &world.root, None).sign(&world.root.key);
    let stranger = Party::new("middle");
    // Authorities of the same name, one of them of nobody, and one that leads in a circle.
    let forged = Draft::authority(&stranger, &world.root, None).sign(&stranger.key);
    let circle = Draft::authority(&world.middle, &world.middle, None).sign(&world.middle.key);
    let (leaf, middle) = (world.leaf(), world.middle());
    for chain in [
        vec![&leaf, &middle, &root],
        vec![&leaf, &root, &middle],
        vec![&leaf, &forged, &circle, &middle],
        vec![&leaf, &circle, &forged, &root, &middle, &leaf, &middle],
    ] {
        let chain: Vec<Vec<u8>> = chain.into_iter().cloned().collect();
        assert_eq!(kinds(&chain, &world.roots()), [], "{}", chain.len());
    }
}

#[test]
fn a_leaf_that_is_a_root_and_a_leaf_that_is_an_authority_are_accepted() {
    let alone = Party::new("alone");
    let leaf = Draft::leaf(&alone, &alone).sign(&alone.key);
    assert_eq!(kinds(std::slice::from_ref(&leaf), &roots(&[&leaf])), []);
    let world = World::new();
    assert_eq!(world.with_leaf(|draft| draft.extensions.push(authority(None))), []);
    assert_eq!(kinds(&[leaf], &world.roots()), [Kind::SignerUntrusted]);
}

#[test]
fn trust_comes_from_the_given_roots_alone() {
    let world = World::new();
    let root = Draft::authority(&world.root, &world.root, None).sign(&world.root.key);
    let other = World::new();
    let (signer, defects) = check(&[world.leaf(), world.middle(), root], &other.roots(), AT);
    assert!(signer.is_some());
    assert_eq!(defects.len(), 1);
    assert_eq!(defects[0].kind, Kind::SignerUntrusted);
    assert_eq!(defects[0].shown.as_deref(), Some("certificate 3 of 3, `CN=root`"));
    assert_eq!(kinds(&[world.leaf()], &world.roots()), [Kind::SignerUntrusted]);
    assert_eq!(kinds(&[world.leaf(), world.middle()], &Roots::default()), [Kind::SignerUntrusted]);
    // A name alone proves nothing.
    let forged = Draft::leaf(&world.leaf, &world.middle).sign(&world.leaf.key);
    assert_eq!(kinds(&[forged, world.middle()], &world.roots()), [Kind::SignerUntrusted]);
}

#[test]
fn every_certificate_must_be_valid() {
    let world = World::new();
    let past = (LONG.0, Moment(AT.0 - 1));
    let future = (Moment(AT.0 + 1), LONG.1);
    for valid in [past, future] {
        assert_eq!(world.with_leaf(|draft| draft.valid = valid), [Kind::OutsideValidity]);
        assert_eq!(world.with_middle(|draft| draft.valid = valid), [Kind::OutsideValidity]);
        let mut root = Draft::authority(&world.root, &world.root, None);
        root.valid = valid;
        let roots = roots(&[&root.sign(&world.root.key)]);
        assert_eq!(kinds(&[world.leaf(), world.middle()], &roots), [Kind::OutsideValidity]);
    }
    for valid in [(AT, LONG.1), (LONG.0, AT)] {
        assert_eq!(world.with_leaf(|draft| draft.valid = valid), []);
    }
    let after = Moment::parse("2056-01-01T00:00:00Z").unwrap();
    let (_, defects) = check(&[world.leaf(), world.middle()], &world.roots(), after);
    assert_eq!(defects.len(), 3);
    assert_eq!(defects[0].why, "the signer's certificate expired on 2055-01-01");
}

#[test]
fn every_certificate_must_be_for_its_purpose() {
    let world = World::new();
    let code = "1.3.6.1.5.5.7.3.3";
    let server = "1.3.6.1.5.5.7.3.1";
    let any = "2.5.29.37.0";
    let unknown = extension("1.2.3.4", true, &[5, 0]);
    let constraints = extension(
        "2.5.29.30",
        true,
        &tlv(0x30, &[&tlv(0xa0, &[&tlv(0x30, &[&tlv(0x82, &[b"a.b"])])])]),
    );
    let only = |extensions: Vec<Vec<u8>>| move |draft: &mut Draft| draft.extensions = extensions;
    assert_eq!(world.with_leaf(only(vec![])), []);
    assert_eq!(world.with_leaf(only(vec![purpose(any)])), []);
    assert_eq!(world.with_leaf(only(vec![purpose(code)])), []);
    assert_eq!(world.with_leaf(only(vec![extension("1.2.3.4", false, &[5, 0])])), []);
    for extensions in [vec![purpose(server)], vec![usage(KEY_CERT_SIGN)], vec![unknown.clone()]] {
        assert_eq!(
            world.with_leaf(only(extensions.clone())),
            [Kind::WrongPurpose],
            "{extensions:?}"
        );
    }
    assert_eq!(world.with_middle(only(vec![authority(None)])), []);
    let not_ca = extension("2.5.29.19", true, &tlv(0x30, &[]));
    for extensions in [
        vec![],
        vec![not_ca, usage(KEY_CERT_SIGN)],
        vec![authority(None), usage(forge::DIGITAL_SIGNATURE)],
        vec![authority(None), purpose(server)],
        vec![authority(None), unknown],
        vec![authority(None), constraints],
    ] {
        assert_eq!(
            world.with_middle(only(extensions.clone())),
            [Kind::WrongPurpose],
            "{extensions:?}"
        );
    }
    // The root allows no authority below it.
    let root = Draft::authority(&world.root, &world.root, Some(0)).sign(&world.root.key);
    assert_eq!(kinds(&[world.leaf(), world.middle()], &roots(&[&root])), [Kind::WrongPurpose]);
}

#[test]
fn broken_certificates_break_the_bundle() {
    let world = World::new();
    type Change = fn(&mut Draft);
    let cases: [(&str, Change); 6] = [
        ("twice", |draft| draft.extensions.push(draft.extensions[0].clone())),
        ("not of version 3", |draft| draft.version = Vec::new()),
        ("is broken", |draft| draft.extensions[0] = extension("2.5.29.15", true, &[5, 0])),
        ("no certificate in DER", |draft| draft.spki = vec![0x30, 0x80, 0, 0]),
        ("no certificate in DER", |draft| draft.subject = tlv(0x30, &[&[0x31, 0x81, 0]])),
        ("64 are read", |draft| {
            draft.extensions =
                (0..65).map(|at| extension(&format!("1.2.3.{at}"), false, &[5, 0])).collect();
        }),
    ];
    for (why, change) in cases {
        let mut draft = Draft::leaf(&world.leaf, &world.middle);
        change(&mut draft);
        let (signer, defects) =
            check(&[draft.sign(&world.middle.key), world.middle()], &world.roots(), AT);
        assert!(signer.is_none());
        assert_eq!(defects.len(), 1);
        assert_eq!(defects[0].kind, Kind::BundleMalformed);
        assert!(defects[0].why.contains(why), "{}", defects[0].why);
    }
    let trailing = [world.leaf(), vec![0]].concat();
    assert_eq!(kinds(&[trailing, world.middle()], &world.roots()), [Kind::BundleMalformed]);
    assert_eq!(kinds(&[], &world.roots()), [Kind::BundleMalformed]);
    assert_eq!(kinds(&vec![world.leaf(); 9], &world.roots()), [Kind::BundleMalformed]);
}

#[test]
fn many_ways_are_tried_within_bounds() {
    // Seven authorities of one name and key, each of which may have signed each other one.
    let (root, middle, leaf) = (Party::new("root"), Party::new("middle"), Party::new("signer"));
    let mut chain = vec![Draft::leaf(&leaf, &middle).sign(&middle.key)];
    for serial in 1..8 {
        let mut draft = Draft::authority(&middle, &middle, None);
        draft.serial = vec![serial];
        chain.push(draft.sign(&middle.key));
    }
    let trusted = roots(&[&Draft::authority(&root, &root, None).sign(&root.key)]);
    assert_eq!(kinds(&chain, &trusted), [Kind::SignerUntrusted]);
    chain[4] = Draft::authority(&middle, &root, None).sign(&root.key);
    assert_eq!(kinds(&chain, &trusted), []);
}

#[test]
fn names_are_escaped_and_compared_whole() {
    let world = World::new();
    let hostile = "a,CN=admin\u{1b}[2J\"";
    let names = tlv(
        0x30,
        &[
            &tlv(0x81, &[b"me@example.org"]),
            &tlv(0x86, &[b"https://example.org/x"]),
            &tlv(0x82, &[b"example.org"]),
        ],
    );
    let mut draft = Draft::leaf(&world.leaf, &world.middle);
    draft.subject = common_name(hostile);
    draft.extensions.push(extension("2.5.29.17", false, &names));
    let (signer, defects) =
        check(&[draft.sign(&world.middle.key), world.middle()], &world.roots(), AT);
    assert_eq!(defects, []);
    let signer = signer.unwrap();
    assert_eq!(signer.subject, "CN=a\\,CN=admin\\1b[2J\\\"");
    for name in
        [hostile, "me@example.org", "https://example.org/x", "example.org", signer.subject.as_str()]
    {
        assert!(signer.is(name), "{name}");
    }
    assert!(!signer.is("admin") && !signer.is("CN=admin"));
}

#[test]
fn rsa_authorities_certify() {
    let blocks = pem::blocks(include_bytes!("../../tests/x509/rsa.pem")).unwrap();
    let [root, leaves @ ..] = &blocks[..] else { panic!("no root") };
    assert_eq!(leaves.len(), 6);
    let roots = roots(&[&root.bytes]);
    for leaf in leaves {
        let (signer, defects) = check(&[leaf.bytes.to_vec()], &roots, AT);
        assert_eq!(defects, [], "{signer:?}");
        let mut other = leaf.bytes.to_vec();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(kinds(&[other], &roots), [Kind::SignerUntrusted]);
    }
}

#[test]
fn weak_authorities_certify_nothing() {
    let blocks = pem::blocks(include_bytes!("../../tests/x509/weak.pem")).unwrap();
    let der: Vec<Vec<u8>> = blocks.iter().map(|block| block.bytes.to_vec()).collect();
    let roots = roots(&[&der[0], &der[2]]);
    let at = Moment::parse("2027-01-01T00:00:00Z").unwrap();
    for (leaf, why) in [(1, "RSA 1024"), (3, "SHA-1"), (4, "MD5")] {
        let (_, defects) = check(&[der[leaf].clone()], &roots, at);
        assert_eq!(defects.len(), 1);
        assert_eq!(defects[0].kind, Kind::SignerUntrusted);
        assert!(defects[0].why.contains(why), "{}", defects[0].why);
    }
}

proptest! {
    #[test]
    fn a_changed_certificate_is_never_trusted(at: prop::sample::Index, bit in 0..8u8) {
        let world = World::new();
        let mut leaf = world.leaf();
        let at = at.index(leaf.len());
        leaf[at] ^= 1 << bit;
        prop_assert!(!check(&[leaf, world.middle()], &world.roots(), AT).1.is_empty());
    }

    #[test]
    fn any_bytes_are_judged(bytes: Vec<u8>) {
        prop_assert!(Certificate::read(&bytes).is_err());
    }
}
