//! Findings: one vulnerability for each rule, and what each finding means for its file (VEX).

use std::collections::BTreeMap;

use modelward_core::{Severity, Verdict};
use serde_json::json;

use super::{Graph, MODEL};
use crate::bom::{Subject, text::clean};

/// Put in the findings of the scan.
pub(super) fn write(subject: &Subject<'_>, graph: &mut Graph) {
    let mut rules = BTreeMap::new();
    for (finding, _) in subject.findings() {
        rules.insert(finding.rule.id, finding.rule);
    }
    for (id, rule) in rules {
        let fields = json!({
            "name": id,
            "summary": clean(rule.title, 1024),
            "description": clean(rule.why, 4096),
        });
        graph.element("security_Vulnerability", &format!("rule-{id}"), fields);
    }
    for (number, (finding, verdict)) in (1..).zip(subject.findings()) {
        let rule = graph.id(&format!("rule-{}", finding.rule.id));
        let at = subject.place(finding.place.path());
        let affected = at.and_then(|at| at.checked_add(1)).map(|number| format!("file-{number}"));
        let affected = graph.id(affected.as_deref().unwrap_or(MODEL));
        let exploitable = finding.severity >= Severity::High;
        let (kind, relation) = match exploitable {
            true => ("security_VexAffectedVulnAssessmentRelationship", "affects"),
            false => (
                "security_VexUnderInvestigationVulnAssessmentRelationship",
                "underInvestigationFor",
            ),
        };
        let allowed = match verdict {
            Verdict::Allow(reason) => {
                Some(clean(&format!("let through by the policy: {reason}"), 1024))
            }
            Verdict::Deny | Verdict::Warn => None,
        };
        let fields = json!({
            "relationshipType": relation,
            "from": rule,
            "to": [affected],
            "description": clean(&finding.message, 4096),
            "comment": format!("severity: {}", finding.severity),
            "security_statusNotes": allowed,
            "security_actionStatement": exploitable.then(|| clean(finding.rule.advice, 4096)),
        });
        graph.element(kind, &format!("finding-{number}"), fields);
    }
}
