//! Archives of `torch.package`, whose Python sources are imported on loading.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct PackageSource;

impl Check for PackageSource {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1708",
        name: "packaged-source-code",
        severity: Severity::High,
        title: "loading this archive imports the Python sources inside it",
        why: "An archive of `torch.package` carries Python modules with the weights. The importer \
              runs them while it unpickles the model, so the archive is a program.",
        advice: "Read every `.py` member before you load the archive, or ask for the weights \
                 alone, in safetensors.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        if !file.is("executable")
            && file.name == "extern_modules"
            && file.folder.as_deref() == Some(".data")
        {
            let message = "this is an archive of `torch.package`: its sources run on loading";
            let shown = file.head().lines().take(5).collect::<Vec<_>>().join(", ");
            out.report(message, Evidence::bytes(0, shown));
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples {
            fires: vec![b"os\nsys\n".to_vec(), Vec::new()],
            silent: vec![b"\x7fELF\x02\x01\x01\0".to_vec()],
        }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "package/.data/extern_modules"
    }
}
