//! Signatures, held against the signers whom the policy knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use modelward_core::{Evidence, Finding, Keyless, Place, Report, Rule, Severity, Signers, Unread};
use modelward_provenance::{
    Defect, Kind,
    digest::Digest,
    keys::PublicKey,
    oms::{self, Bundle, Nobody, Reading, Request, Trust, Verification},
    sigstore::{Expected, TrustedRoot},
    x509::{Moment, Roots},
};
use modelward_scan::provenance::{SIGNER_UNKNOWN, UNSIGNED_MODEL};

use super::{
    found::finding,
    signatures::{Found, Signatures},
};
use crate::{
    cli::{
        Failure,
        experiment::Findable,
        provenance::{MOST_KEY, MOST_ROOT, digests, read},
    },
    listing::{below, shown},
};

/// The signers whom the policy knows.
#[derive(Default)]
pub(in crate::cli) struct Known {
    keys: Vec<PublicKey>,
    roots: Option<Roots>,
    subject: Option<String>,
    keyless: Option<(TrustedRoot, Keyless)>,
    require: bool,
}

impl Known {
    /// Read the keys and the certificates that the policy names.
    pub(in crate::cli) fn read(signers: &Signers) -> Result<Self, Failure> {
        let Signers { public_keys, cert_roots, expect_subject, keyless, require } = signers;
        let mut known =
            Self { subject: expect_subject.clone(), require: *require, ..Self::default() };
        for path in public_keys {
            let key = PublicKey::read(&read(path, "the key", MOST_KEY)?);
            known.keys.push(key.map_err(|trouble| Failure::from(trouble).at(shown(path)))?);
        }
        for path in cert_roots {
            let some = Roots::read(&read(path, "the certificates", MOST_KEY)?);
            let roots = known.roots.get_or_insert_default();
            let joined = some.and_then(|some| roots.join(some));
            joined.map_err(|trouble| Failure::from(trouble).at(shown(path)))?;
        }
        if let Some(keyless) = keyless {
            let path = &keyless.trusted_root;
            let root = TrustedRoot::read(&read(path, "the trusted root", MOST_ROOT)?);
            let root = root.map_err(|trouble| Failure::from(trouble).at(shown(path)))?;
            known.keyless = Some((root, keyless.clone()));
        }
        Ok(known)
    }

    /// Whom to trust, one after the other.
    fn trusts(&self) -> Vec<Trust<'_>> {
        let (at, subject) = (Moment::now(), self.subject.as_deref());
        let roots = self.roots.iter().map(|roots| Trust::Roots { roots, at, subject });
        let keyless = self.keyless.iter().map(|(root, Keyless { identity, issuer, .. })| {
            Trust::Keyless { root, expected: Expected { identity, issuer } }
        });
        self.keys.iter().map(Trust::Key).chain(roots).chain(keyless).collect()
    }

    /// Who of them signed a model as it is, by a signature beside it or in it; `known` are the digests of
    /// its files by their names.
    pub(in crate::cli) fn of(
        &self,
        model: &Path,
        known: &BTreeMap<String, Digest>,
        threads: usize,
    ) -> Result<Option<String>, Failure> {
        let trusts = self.trusts();
        let Some(signatures) = Signatures::of(model).filter(|_| !trusts.is_empty()) else {
            return Ok(None);
        };
        for bundle in signatures.bundles.iter().filter(|bundle| bundle.model.is_empty()) {
            for trust in &trusts {
                let verification =
                    self.verification(bundle, *trust, &signatures, known, threads)?;
                let sound = |defect: &Defect| defect.kind == Kind::HintMissing;
                let whole = verification.unread.is_empty();
                if whole && verification.defects.iter().all(sound) {
                    return Ok(verification.signed_by.map(|signed_by| signed_by.to_string()));
                }
            }
        }
        Ok(None)
    }

    /// What is wrong with the signatures of a target.
    pub(super) fn find(
        &self,
        signatures: &Signatures,
        report: &Report,
        threads: usize,
    ) -> Result<Findable, Failure> {
        let target = shown(&signatures.target);
        let mut all = Findable::default();
        let findings = &mut all.findings;
        let unsigned = match self.require {
            // Whatever it is called, somebody known has to have signed it.
            true => &signatures.uncovered,
            false => &signatures.unsigned,
        };
        if let Some(name) = unsigned
            && (self.require || !signatures.single)
        {
            let looked_for = format!("signature that covers `{name}`");
            let message = UNSIGNED_MODEL.title;
            findings.push(self.absent(&UNSIGNED_MODEL, message, &target, looked_for));
        }
        if signatures.more {
            let message =
                "some signatures here were not verified: too many, too large, or unreadable";
            let looked_for = "room for all of them".to_owned();
            findings.push(self.absent(&SIGNER_UNKNOWN, message, &target, looked_for));
        }
        let known = digests(&signatures.target, report);
        let mut of_known = BTreeSet::new();
        let mut unknown = Vec::new();
        for bundle in &signatures.bundles {
            match self.verify(bundle, signatures, &known, threads)? {
                Ok(found) => {
                    of_known.insert(bundle.model.as_str());
                    all.extend(found);
                }
                Err(found) => unknown.push((bundle, found)),
            }
        }
        // Beside the signature of somebody known, that of another does no harm.
        let unknown = unknown.into_iter().filter(|(it, _)| !of_known.contains(it.model.as_str()));
        all.findings.extend(unknown.map(|(_, finding)| finding));
        Ok(all)
    }

    /// What is wrong with a signature by somebody known; or that it is by nobody known.
    fn verify(
        &self,
        bundle: &Found,
        signatures: &Signatures,
        known: &BTreeMap<String, Digest>,
        threads: usize,
    ) -> Result<Result<Findable, Finding>, Failure> {
        if let Err(why) = Bundle::read(&bundle.bytes) {
            let defect = Defect::of_signature(Kind::BundleMalformed, why);
            let findings = vec![finding(&defect, bundle.shown.clone())];
            return Ok(Ok(Findable { findings, ..Findable::default() }));
        }
        let (mut why, mut invalid) = (None, None);
        for trust in self.trusts() {
            let (_, defects) = oms::open(&bundle.bytes, &trust);
            let is = |kind| defects.iter().find(|defect| defect.kind == kind);
            match (is(Kind::SignerUntrusted), is(Kind::SignatureInvalid)) {
                (Some(defect), _) => why = Some(defect.clone()),
                // A bundle without a hint may be by the next of them.
                (None, Some(_)) => invalid = invalid.or(Some(trust)),
                (None, None) => {
                    return self.files(bundle, trust, signatures, known, threads).map(Ok);
                }
            }
        }
        if let Some(trust) = invalid {
            return self.files(bundle, trust, signatures, known, threads).map(Ok);
        }
        let severity = match (&why, self.require) {
            (_, true) => Severity::High,
            (Some(_), false) => Severity::Medium,
            // A policy that names no signer asks for none: a signed model is no worse than an unsigned one.
            (None, false) => Severity::Low,
        };
        let message = match &why {
            Some(defect) => defect.why.clone(),
            None => "the policy names nobody who may have signed".to_owned(),
        };
        let shown = why.and_then(|defect| defect.shown).unwrap_or_else(|| message.clone());
        Ok(Err(Finding {
            rule: &SIGNER_UNKNOWN,
            severity,
            place: Place::file(bundle.shown.as_str()),
            message,
            evidence: Evidence::bytes(0, &shown),
            allow: None,
        }))
    }

    /// Verify the files of a model.
    fn verification(
        &self,
        bundle: &Found,
        trust: Trust<'_>,
        signatures: &Signatures,
        known: &BTreeMap<String, Digest>,
        threads: usize,
    ) -> Result<Verification, Failure> {
        let known = match bundle.model.as_str() {
            "" => known.clone(),
            folder => inside(known, folder),
        };
        let others = signatures.bundles.iter().map(|other| other.path.as_path());
        let others = others.chain(signatures.reports.iter().map(|path| path.as_path()));
        let others = others.collect::<Vec<&Path>>();
        let request = Request {
            trust,
            ignore: &[],
            ignore_unsigned: false,
            partial: false,
            signatures: &others,
            sha256: false,
            against: None,
            reading: Reading { threads, deadline: None, observer: &Nobody, known: Some(&known) },
        };
        Ok(oms::verify(&model(bundle, signatures), &bundle.bytes, &request)?)
    }

    /// What is wrong with the files of a model.
    fn files(
        &self,
        bundle: &Found,
        trust: Trust<'_>,
        signatures: &Signatures,
        known: &BTreeMap<String, Digest>,
        threads: usize,
    ) -> Result<Findable, Failure> {
        let verification = self.verification(bundle, trust, signatures, known, threads)?;
        let model = model(bundle, signatures);
        let place = |file: &str| match file {
            "" => bundle.shown.clone(),
            _ if signatures.single => shown(&signatures.target),
            file => below(&shown(&model), file),
        };
        let defects = verification.defects.iter();
        let findings = defects.map(|defect| finding(defect, place(&defect.file))).collect();
        // What was scanned and could not be read again was not held against its signature.
        let unread = verification.unread.iter().map(|(file, why)| Unread {
            place: Place::file(place(file)),
            at: None,
            rule: UNREADABLE,
            why: why.clone(),
        });
        Ok(Findable { findings, unread: unread.collect(), ..Findable::default() })
    }

    /// A target in which no signature can be looked for, where there has to be one.
    pub(super) fn unsigned(&self, target: &Path) -> Option<Finding> {
        let looked_for = "signature, for which a file or a folder is needed".to_owned();
        let message = UNSIGNED_MODEL.title;
        self.require.then(|| self.absent(&UNSIGNED_MODEL, message, &shown(target), looked_for))
    }

    /// A finding that something is not there.
    fn absent(
        &self,
        rule: &'static Rule,
        message: &str,
        place: &str,
        looked_for: String,
    ) -> Finding {
        Finding {
            rule,
            severity: if self.require { Severity::High } else { rule.severity },
            place: Place::file(place),
            message: message.to_owned(),
            evidence: Evidence::Absent { looked_for },
            allow: None,
        }
    }
}

/// Where the model of a signature is.
fn model(bundle: &Found, signatures: &Signatures) -> PathBuf {
    match bundle.model.as_str() {
        "" => signatures.target.clone(),
        folder => signatures.target.join(folder),
    }
}

/// Digests by their names from a folder down.
fn inside(known: &BTreeMap<String, Digest>, folder: &str) -> BTreeMap<String, Digest> {
    let below = |name: &str| Some(name.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
    known.iter().filter_map(|(name, digest)| Some((below(name)?, digest.clone()))).collect()
}

/// The rule of what could not be read.
const UNREADABLE: &str = "MW0007";
