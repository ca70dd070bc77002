//! The way from a certificate to a root that the user trusts (RFC 5280, section 6).
//!
//! Certificates come in any order, and some may be of no use: every way is tried, within a bound on the work.

use std::collections::HashMap;

use super::{Certificate, Moment, Roots};
use crate::{Defect, Kind, defect::Weight};

/// Certificates that a chain may have.
pub(crate) const MOST_CERTIFICATES: usize = 8;

/// Signatures that are checked for one chain. With eight certificates, each of another name, seven are.
const MOST_SIGNATURES: usize = 64;

/// Steps that the search takes; a chain without detours takes one a certificate.
const MOST_STEPS: usize = 2000;

/// What the first certificate of a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    const fn oid(self) -> &'static str {
        match self {
            Self::CodeSigning => "1.3.6.1.5.5.7.3.3",
            Self::TimeStamping => "1.3.6.1.5.5.7.3.8",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::CodeSigning => "code signing",
            Self::TimeStamping => "time stamping",
        }
    }
}

/// What a path is sought for.
pub(crate) struct Query<'a> {
    /// The certificates at hand: that of the signer, then the others, in any order.
    pub(crate) chain: &'a [Certificate],
    /// What the user trusts.
    pub(crate) roots: &'a Roots,
    /// When all of them must be valid.
    pub(crate) at: Moment,
    /// For what.
    pub(crate) purpose: Purpose,
}

/// A certificate on the way: one of the chain, or one of the roots, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Given(usize),
    Root(usize),
}

impl Query<'_> {
    /// What is wrong with the best of all ways; nothing, if one is sound.
    pub(crate) fn defects(&self) -> Vec<Defect> {
        let mut search = Search {
            query: self,
            signatures: HashMap::new(),
            steps: 0,
            best: None,
            dead_end: None,
        };
        search.extend(&mut vec![Node::Given(0)]);
        if let Some(defects) = search.best {
            return defects;
        }
        // No way: why, and what is wrong with the signer's own certificate.
        let mut defects = vec![match search.dead_end {
            Some((_, defect)) => defect,
            None => self.defect(
                Node::Given(0),
                Kind::SignerUntrusted,
                "there is no way from the certificate to a given root".into(),
            ),
        }];
        if !self.chain.is_empty() {
            self.judge(&[Node::Given(0)], &mut defects);
        }
        defects
    }

    fn certificate(&self, node: Node) -> Option<&Certificate> {
        match node {
            Node::Given(at) => self.chain.get(at),
            Node::Root(at) => self.roots.certificates.get(at),
        }
    }

    fn defect(&self, node: Node, kind: Kind, why: String) -> Defect {
        let subject = self.certificate(node).map(Certificate::subject).unwrap_or_default();
        let place = match node {
            Node::Given(at) => place(at, self.chain.len(), &subject),
            Node::Root(_) => format!("root certificate, `{subject}`"),
        };
        Defect { kind, file: String::new(), why, shown: Some(place), weight: Weight::Load }
    }

    /// What is wrong with the certificates of a path, from the signer to the root.
    fn judge(&self, path: &[Node], defects: &mut Vec<Defect>) {
        // Authorities below the one at hand that are not self-issued (RFC 5280, section 6.1.4 (l)).
        let mut below = 0usize;
        for (step, node) in path.iter().enumerate() {
            let Some(certificate) = self.certificate(*node) else { continue };
            let mut add = |kind, why: String| defects.push(self.defect(*node, kind, why));
            let whose = if step == 0 {
                "the signer's certificate"
            } else {
                "the certificate of an authority"
            };
            let (from, until) = certificate.valid;
            if self.at < from {
                add(Kind::OutsideValidity, format!("{whose} begins on {}", from.day()));
            }
            if self.at > until {
                add(Kind::OutsideValidity, format!("{whose} expired on {}", until.day()));
            }
            for oid in &certificate.unknown {
                add(
                    Kind::WrongPurpose,
                    format!("{whose} has critical extension {oid}, which is not known"),
                );
            }
            if let Some(purposes) = &certificate.purposes {
                const ANY: &str = "2.5.29.37.0";
                let fits = |oid: &str| {
                    oid == self.purpose.oid()
                        || (oid == ANY && self.purpose == Purpose::CodeSigning)
                };
                if !purposes.iter().any(|oid| fits(&oid.to_string())) {
                    add(
                        Kind::WrongPurpose,
                        format!(
                            "{whose} is not for {}: {}",
                            self.purpose.name(),
                            purpose_names(purposes)
                        ),
                    );
                }
            } else if step == 0 && self.purpose == Purpose::TimeStamping {
                add(Kind::WrongPurpose, format!("{whose} is not for {}", self.purpose.name()));
            }
            let usage = certificate.usage.as_ref();
            if step == 0 {
                if usage.is_some_and(|usage| !usage.digital_signature()) {
                    add(
                        Kind::WrongPurpose,
                        format!(
                            "{whose} is not for signatures (its key usage lacks digitalSignature)"
                        ),
                    );
                }
                continue;
            }
            match &certificate.constraints {
                Some(constraints) if constraints.ca => {
                    if constraints.path_len_constraint.is_some_and(|most| below > usize::from(most))
                    {
                        add(
                            Kind::WrongPurpose,
                            format!(
                                "{whose} allows fewer authorities below it than the {below} that are there (pathLen)"
                            ),
                        );
                    }
                }
                _ => add(
                    Kind::WrongPurpose,
                    format!("{whose} is not that of an authority (its basic constraints lack CA)"),
                ),
            }
            if usage.is_some_and(|usage| !usage.key_cert_sign()) {
                add(
                    Kind::WrongPurpose,
                    format!("{whose} may not sign certificates (its key usage lacks keyCertSign)"),
                );
            }
            if certificate.constrains_names {
                add(
                    Kind::WrongPurpose,
                    format!("{whose} limits the names below it, which is not evaluated"),
                );
            }
            if !certificate.is_self_issued() {
                below = below.saturating_add(1);
            }
        }
    }
}

/// What a certificate of a chain is called.
pub(crate) fn place(at: usize, of: usize, subject: &str) -> String {
    format!("certificate {} of {of}, `{subject}`", at.saturating_add(1))
}

fn purpose_names(purposes: &[der::oid::ObjectIdentifier]) -> String {
    let name = |oid: &der::oid::ObjectIdentifier| match oid.to_string().as_str() {
        "1.3.6.1.5.5.7.3.1" => "serverAuth".to_owned(),
        "1.3.6.1.5.5.7.3.2" => "clientAuth".to_owned(),
        "1.3.6.1.5.5.7.3.3" => "codeSigning".to_owned(),
        "1.3.6.1.5.5.7.3.4" => "emailProtection".to_owned(),
        "1.3.6.1.5.5.7.3.8" => "timeStamping".to_owned(),
        other => other.to_owned(),
    };
    let shown: Vec<String> = purposes.iter().take(4).map(name).collect();
    format!("it is for {}", if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") })
}

struct Search<'a, 'q> {
    query: &'q Query<'a>,
    /// Whether the second of a pair signed the first, of the pairs asked so far.
    signatures: HashMap<(Node, Node), Result<(), String>>,
    steps: usize,
    /// The defects of the best complete path.
    best: Option<Vec<Defect>>,
    /// Why the longest incomplete path ended, and its length.
    dead_end: Option<(usize, Defect)>,
}

impl Search<'_, '_> {
    fn extend(&mut self, path: &mut Vec<Node>) {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MOST_STEPS || self.best.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        let query = self.query;
        let Some((last, certificate)) =
            path.last().and_then(|last| Some((*last, query.certificate(*last)?)))
        else {
            return;
        };
        if let Some(root) =
            query.roots.certificates.iter().position(|root| root.der == certificate.der)
        {
            let end = path.len().saturating_sub(1);
            path.splice(end.., [Node::Root(root)]);
            // The signer's own certificate stays named as that.
            if end == 0 {
                path.splice(.., [last]);
            }
            self.complete(path);
            path.splice(end.., [last]);
            return;
        }
        let roots = (0..query.roots.certificates.len()).map(Node::Root);
        let given = (1..query.chain.len()).map(Node::Given);
        let mut why = None;
        for next in roots.chain(given) {
            let Some(issuer) = query.certificate(next) else { continue };
            if issuer.subject != certificate.issuer
                || path.iter().any(|node| {
                    query.certificate(*node).is_some_and(|other| other.der == issuer.der)
                })
            {
                continue;
            }
            match self.is_signed(last, next) {
                Ok(()) => {
                    path.push(next);
                    match next {
                        Node::Root(_) => self.complete(path),
                        Node::Given(_) => self.extend(path),
                    }
                    path.pop();
                    why = Some(None);
                }
                Err(reason) => why = why.or(Some(Some(reason))),
            }
        }
        let issuer = &certificate.issuer;
        let why = match why {
            Some(None) => return,
            Some(Some(reason)) => {
                format!("the certificate's signature is not that of `{issuer}`: {reason}")
            }
            None => match &certificate.algorithm {
                Err(algorithm) => format!("the certificate is signed with {algorithm}"),
                Ok(_) if certificate.is_self_issued() => {
                    "the certificate is issued by itself, and is none of the given roots".into()
                }
                Ok(_) => format!(
                    "the certificate is issued by `{issuer}`, which is neither a given root nor in the bundle"
                ),
            },
        };
        if self.dead_end.as_ref().is_none_or(|(len, _)| path.len() > *len) {
            self.dead_end = Some((path.len(), query.defect(last, Kind::SignerUntrusted, why)));
        }
    }

    fn complete(&mut self, path: &[Node]) {
        let mut defects = Vec::new();
        self.query.judge(path, &mut defects);
        if self.best.as_ref().is_none_or(|best| defects.len() < best.len()) {
            self.best = Some(defects);
        }
    }

    fn is_signed(&mut self, by: Node, issuer: Node) -> Result<(), String> {
        let count = self.signatures.len();
        let query = self.query;
        let check = || {
            if count >= MOST_SIGNATURES {
                return Err("there are too many authorities of the same name".into());
            }
            match (query.certificate(by), query.certificate(issuer)) {
                (Some(certificate), Some(issuer)) => certificate.is_signed_by(issuer),
                _ => Err("it is not there".into()),
            }
        };
        self.signatures.entry((by, issuer)).or_insert_with(check).clone()
    }
}
