//! `pickle-code-object`: functions as bytecode.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct CodeObject;

impl Check for CodeObject {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1112",
        name: "pickle-code-object",
        severity: Severity::High,
        title: "the file carries compiled functions",
        why: "dill, cloudpickle and marshalled code put whole functions into a pickle, as the \
              bytecode of one Python version. Whatever uses the loaded object runs them. Bytecode \
              cannot be proven harmless.",
        advice: "Ask for the source code of the function, and for the weights as safetensors.",
        class: Class::MaliciousFile,
        cwe: &[502, 94],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::CodeObject, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                b"\x80\x04cmarshal\nloads\nC\x01N\x85R.".to_vec(),
                b"\x80\x04cdill._dill\n_create_function\n)R.".to_vec(),
            ],
            silent: vec![b"\x80\x04ccollections\nOrderedDict\n)R.".to_vec()],
        }
    }
}
