
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'modelward' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'modelward'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'modelward' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Audit models: everything that applies, in one report, with the experiments and the data sets that `modelward.toml` names')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Scan files without running them: models, archives, repositories, standard input')
            [CompletionResult]::new('seal', 'seal', [CompletionResultType]::ParameterValue, 'Encrypt a file or a folder, so that `modelward unseal` or `age` opens it')
            [CompletionResult]::new('unseal', 'unseal', [CompletionResultType]::ParameterValue, 'Open a file that `modelward seal` or `age` has sealed')
            [CompletionResult]::new('bom', 'bom', [CompletionResultType]::ParameterValue, 'Write the bill of materials of a model: what it is, what it is made of, what was found in it')
            [CompletionResult]::new('keygen', 'keygen', [CompletionResultType]::ParameterValue, 'Make a pair of keys that sign and verify models, or an identity that unseals them')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign the files of a model, after OpenSSF Model Signing v1.0')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a model against its signature: who signed, what changed, what the change means')
            [CompletionResult]::new('attack', 'attack', [CompletionResultType]::ParameterValue, 'Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it')
            [CompletionResult]::new('certify', 'certify', [CompletionResultType]::ParameterValue, 'Prove that a model keeps its answers within a budget, or that it has a property')
            [CompletionResult]::new('check-witness', 'check-witness', [CompletionResultType]::ParameterValue, 'Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed')
            [CompletionResult]::new('data', 'data', [CompletionResultType]::ParameterValue, 'Check a data set that a model is to be trained on: what is wrong with it, row by row; clean it, and tell its versions apart')
            [CompletionResult]::new('manifest', 'manifest', [CompletionResultType]::ParameterValue, 'List what a model or a data set consists of: files, tensors, row groups, with their digests')
            [CompletionResult]::new('lock', 'lock', [CompletionResultType]::ParameterValue, 'Keep in `modelward.lock` which models this project depends on, and exactly which bytes')
            [CompletionResult]::new('model', 'model', [CompletionResultType]::ParameterValue, 'Load, run and differentiate an ONNX model, within a budget and without executing any of its code')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a rule: what it finds, why that is a danger, what to do')
            [CompletionResult]::new('rules', 'rules', [CompletionResultType]::ParameterValue, 'List the rules')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Write down what is let through, or hand it on to a loader')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;audit' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Containers inside containers')
            [CompletionResult]::new('--max-expanded', '--max-expanded', [CompletionResultType]::ParameterName, 'What the containers of one file may expand to')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for one file beyond the windows on it')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Time for one file')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;scan' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'Containers inside containers')
            [CompletionResult]::new('--max-expanded', '--max-expanded', [CompletionResultType]::ParameterName, 'What the containers of one file may expand to')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for one file beyond the windows on it')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Time for one file')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;seal' {
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Who can open it: `age1...`; may be given again')
            [CompletionResult]::new('--recipient', '--recipient', [CompletionResultType]::ParameterName, 'Who can open it: `age1...`; may be given again')
            [CompletionResult]::new('--recipients-file', '--recipients-file', [CompletionResultType]::ParameterName, 'A file with a recipient a line; may be given again')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Take the passphrase from the first line of a file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write; by default beside the path, with `.age` behind its name')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write; by default beside the path, with `.age` behind its name')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Ask for a passphrase on the terminal')
            [CompletionResult]::new('--armor', '--armor', [CompletionResultType]::ParameterName, 'Write text instead of bytes')
            [CompletionResult]::new('--follow-links', '--follow-links', [CompletionResultType]::ParameterName, 'Seal the files that links in the folder lead to')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a file that is there')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;unseal' {
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'A file with the secret identity; may be given again')
            [CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'A file with the secret identity; may be given again')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Take the passphrase from the first line of a file')
            [CompletionResult]::new('--max-work-factor', '--max-work-factor', [CompletionResultType]::ParameterName, 'Try a passphrase whose cost is up to 2^N KiB of memory')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write; by default beside the sealed file, without `.age`')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write; by default beside the sealed file, without `.age`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Ask for a passphrase on the terminal')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Write what was sealed as one file, also where it is a folder')
            [CompletionResult]::new('--unpack', '--unpack', [CompletionResultType]::ParameterName, 'Unpack a tar archive that something else than `modelward seal` has made')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Name what a sealed folder holds; write nothing')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a file that is there')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;bom' {
            [CompletionResult]::new('--spec', '--spec', [CompletionResultType]::ParameterName, 'Form of the document: CycloneDX 1.7 or 1.6, or SPDX 3.0.1 with its AI profile')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the document to this file; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the document to this file; `-` is standard output')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Where the model was had from, `hf:OWNER/NAME@COMMIT`; a Hugging Face cache tells that itself')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy that says which findings are let through; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a file that is there and no older bill of materials')
            [CompletionResult]::new('--no-scan', '--no-scan', [CompletionResultType]::ParameterName, 'Leave out the scan, and with it the vulnerabilities')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;keygen' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the private key goes: PKCS#8 PEM that you alone may read')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the private key goes: PKCS#8 PEM that you alone may read')
            [CompletionResult]::new('--public', '--public', [CompletionResultType]::ParameterName, 'Where the public key goes [default: beside the private one, `K.pub.pem` for `K.pem`]')
            [CompletionResult]::new('--curve', '--curve', [CompletionResultType]::ParameterName, 'The curve')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Encrypt the private key with the password in the first line of a file')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Encrypt the private key; the password is asked for on the terminal')
            [CompletionResult]::new('--age', '--age', [CompletionResultType]::ParameterName, 'Make an identity of age instead, for `modelward seal` and `unseal`; it is one file')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace keys that are there; whatever they signed can then no longer be signed anew')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;sign' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The private key, on P-256, P-384 or P-521, in PEM; `env:NAME` takes it from the environment')
            [CompletionResult]::new('--key-password-file', '--key-password-file', [CompletionResultType]::ParameterName, 'The password of an encrypted key, in the first line of a file [default: ask on the terminal]')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate of the key, in PEM; certificates of its authorities may follow in the same file')
            [CompletionResult]::new('--chain', '--chain', [CompletionResultType]::ParameterName, 'A certificate between that one and the root, in PEM; may be given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write the signature')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write the signature')
            [CompletionResult]::new('--hash', '--hash', [CompletionResultType]::ParameterName, 'The hash of the files')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'Hash whole files, or each piece of them by itself')
            [CompletionResult]::new('--shard-size', '--shard-size', [CompletionResultType]::ParameterName, 'Bytes of a piece, with `--method shards`; by default 1 GB')
            [CompletionResult]::new('--report-to', '--report-to', [CompletionResultType]::ParameterName, 'With `--scan`, also write the signed report of the scan')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'With `--scan`, the policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Sign this report instead, the JSON of a scan of this model as it is now')
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Leave out this file or folder: an exact path below the model; may be given again')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Stop after this long')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Write over a file that is there')
            [CompletionResult]::new('--allow-symlinks', '--allow-symlinks', [CompletionResultType]::ParameterName, 'Follow links, and sign what they lead to under their own names')
            [CompletionResult]::new('--scan', '--scan', [CompletionResultType]::ParameterName, 'Scan the model first, in the same read, and sign it only where nothing is denied or unread')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;verify' {
            [CompletionResult]::new('--signature', '--signature', [CompletionResultType]::ParameterName, 'The signature: a bundle after OpenSSF Model Signing')
            [CompletionResult]::new('--public-key', '--public-key', [CompletionResultType]::ParameterName, 'The key of the signer, in PEM')
            [CompletionResult]::new('--cert-root', '--cert-root', [CompletionResultType]::ParameterName, 'An authority whose certificates may sign, in PEM; may be given again')
            [CompletionResult]::new('--expect-subject', '--expect-subject', [CompletionResultType]::ParameterName, 'The one who may have signed, with `--cert-root`: a common name, or a whole subject')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'When the certificates have to be valid, with `--cert-root`; by default now')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'The authorities and logs of Sigstore, for a keyless signature: a `trusted_root.json`')
            [CompletionResult]::new('--expect-identity', '--expect-identity', [CompletionResultType]::ParameterName, 'The identity that may have signed, with `--trusted-root`: an address or a URI')
            [CompletionResult]::new('--expect-issuer', '--expect-issuer', [CompletionResultType]::ParameterName, 'The service that has to vouch for the identity, with `--trusted-root`')
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Leave out this file or folder: an exact path below the model; may be given again')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Stop after this long')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'The signed report of a scan, by the same signer: it has to be about this model, and clean')
            [CompletionResult]::new('--against', '--against', [CompletionResultType]::ParameterName, 'An older version of the model, to show what changed in it')
            [CompletionResult]::new('--copy-to', '--copy-to', [CompletionResultType]::ParameterName, 'Copy what was verified to this new folder, from the same read')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Run this command once all is verified, with `{}` in it replaced by a private copy of what was verified; give it last')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--ignore-unsigned-files', '--ignore-unsigned-files', [CompletionResultType]::ParameterName, 'Let files be that nobody signed')
            [CompletionResult]::new('--partial', '--partial', [CompletionResultType]::ParameterName, 'Verify what is there; name what is missing, and end with 3 where something is')
            [CompletionResult]::new('--require-scan', '--require-scan', [CompletionResultType]::ParameterName, 'Deny a model that has no signed report')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;attack' {
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'The samples: an npz with `x` and `y`, a table with `--label`, or a folder of images with a folder for each class')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'The column of a table, or the key of an npz, that holds the labels')
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'Take the first samples only')
            [CompletionResult]::new('--norm', '--norm', [CompletionResultType]::ParameterName, 'How a change is measured: linf, l2, l1, or l0 for the number of inputs that change')
            [CompletionResult]::new('--eps', '--eps', [CompletionResultType]::ParameterName, 'How large a change may be, in the units of the data: `8/255`, `0.05`')
            [CompletionResult]::new('--spec', '--spec', [CompletionResultType]::ParameterName, 'What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which one holds, what cannot change and what a change costs')
            [CompletionResult]::new('--patch', '--patch', [CompletionResultType]::ParameterName, 'Instead of a norm: all may change in one square with this side, anywhere in the image')
            [CompletionResult]::new('--spatial', '--spatial', [CompletionResultType]::ParameterName, 'Instead of a norm: the image is turned by so many degrees and moved by so many pixels: `30,3`')
            [CompletionResult]::new('--effort', '--effort', [CompletionResultType]::ParameterName, 'How hard to try: quick for a look, standard for the strength of AutoAttack, deep for more')
            [CompletionResult]::new('--clip', '--clip', [CompletionResultType]::ParameterName, 'The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it')
            [CompletionResult]::new('--preprocess', '--preprocess', [CompletionResultType]::ParameterName, 'What is done to the data before the model sees them: `auto` finds it by the labels, `none`, or words in order: `scale=255 mean=0.49:0.48:0.45 std=0.2 layout=nhwc transpose invert`')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where random numbers begin')
            [CompletionResult]::new('--fail-under', '--fail-under', [CompletionResultType]::ParameterName, 'Fail where fewer than this share of all samples stand: `0.4`')
            [CompletionResult]::new('--witnesses', '--witnesses', [CompletionResultType]::ParameterName, 'Write the points that samples fall to: `x`, `index` into the data, `label` they now get; of texts, a JSON object a line')
            [CompletionResult]::new('--tokenizer', '--tokenizer', [CompletionResultType]::ParameterName, 'The model takes texts, by this tokenizer: a `tokenizer.json`, or the `vocab.txt` of a BERT. The data are a table with a header, or a JSON object a line')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'The column or key of the texts, `text` by default; the labels'' is `label`')
            [CompletionResult]::new('--classes', '--classes', [CompletionResultType]::ParameterName, 'The names of the classes in the model''s order: `ham,spam`. Without it names are sorted')
            [CompletionResult]::new('--edits', '--edits', [CompletionResultType]::ParameterName, 'How many edits of a text are allowed, each of one character, two neighbours or one word')
            [CompletionResult]::new('--families', '--families', [CompletionResultType]::ParameterName, 'What is edited: homoglyph, invisible, typo, and words where `--words` lists some')
            [CompletionResult]::new('--words', '--words', [CompletionResultType]::ParameterName, 'Words and what may stand for them, a line each, parted by tabs')
            [CompletionResult]::new('--max-length', '--max-length', [CompletionResultType]::ParameterName, 'The most tokens of a text that the model takes; without it what the tokenizer''s file says')
            [CompletionResult]::new('--max-queries', '--max-queries', [CompletionResultType]::ParameterName, 'Send at most so many samples; what was found by then is reported. Of texts: for each text and each kind of edit')
            [CompletionResult]::new('--query-log', '--query-log', [CompletionResultType]::ParameterName, 'Write a line of JSON for each request: samples, digests of inputs and answer, status')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Another machine than this one that may be asked, with its owner''s consent')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Stop after this long, and report what was found by then')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--targeted', '--targeted', [CompletionResultType]::ParameterName, 'Ask for a class that is drawn for each sample, where any other would do')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;certify' {
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'The samples: an npz with `x` and `y`, a table with `--label`, or a folder of images with a folder for each class')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'A property in VNN-LIB 1.0, instead of data')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'The column of a table, or the key of an npz, that holds the labels')
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'Take the first samples only')
            [CompletionResult]::new('--norm', '--norm', [CompletionResultType]::ParameterName, 'How a change is measured: linf for proofs, l2 with `--smooth`')
            [CompletionResult]::new('--eps', '--eps', [CompletionResultType]::ParameterName, 'How large a change may be, in the units of the data: `8/255`, `0.05`')
            [CompletionResult]::new('--spec', '--spec', [CompletionResultType]::ParameterName, 'What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which one holds, what cannot change and what a change costs')
            [CompletionResult]::new('--smooth', '--smooth', [CompletionResultType]::ParameterName, 'Certify the class that the model says most often under Gaussian noise of this standard deviation, in the units of the data, by `--norm l2` (randomised smoothing)')
            [CompletionResult]::new('--noise-samples', '--noise-samples', [CompletionResultType]::ParameterName, 'Noisy copies of each sample by which its class is chosen, and others by which its share is estimated')
            [CompletionResult]::new('--alpha', '--alpha', [CompletionResultType]::ParameterName, 'The chance that a certificate under noise is wrong')
            [CompletionResult]::new('--clip', '--clip', [CompletionResultType]::ParameterName, 'The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it')
            [CompletionResult]::new('--preprocess', '--preprocess', [CompletionResultType]::ParameterName, 'What is done to the data before the model sees them; `auto` finds it by the labels')
            [CompletionResult]::new('--max-time-each', '--max-time-each', [CompletionResultType]::ParameterName, 'Time for one sample')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where random numbers begin')
            [CompletionResult]::new('--verdicts', '--verdicts', [CompletionResultType]::ParameterName, 'Write a verdict for each sample: `verdict` 1 holds, 0 unknown, -1 violated, -2 wrong before; with `--minimal` also `distance` and `witness`, with `--smooth` also `radius`')
            [CompletionResult]::new('--witnesses', '--witnesses', [CompletionResultType]::ParameterName, 'Write the point that violates the property, under `x`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Stop after this long, and report what was found by then')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--minimal', '--minimal', [CompletionResultType]::ParameterName, 'Find the least distance at which each sample can be broken: exact for trees')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;check-witness' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Stop after this long, and report what was found by then')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;data' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Take out of a data set what a check found, so that it can be put back byte for byte')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Put back what was taken out: the original, byte for byte')
            [CompletionResult]::new('manifest', 'manifest', [CompletionResultType]::ParameterValue, 'List what a data set consists of: its files and its rows, by their digests')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;data;check' {
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'The column or key that holds the label, or several with commas between; by default one that is called so')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The column whose equal values belong together: a patient, a user')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'The column of texts; by default every column of text')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Run these checks alone; without it all of them')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where random numbers begin')
            [CompletionResult]::new('--test', '--test', [CompletionResultType]::ParameterName, 'The set that the model is tested on, for leaks and drift')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'What the columns are to hold: a schema in TOML or JSON, or the JSON report of an earlier check, whose columns, types and lack of missing values are expected again')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'An ONNX model trained on the set: its activations show patterns that lie over the whole input')
            [CompletionResult]::new('--layer', '--layer', [CompletionResultType]::ParameterName, 'The value of the model that is looked at, such as the input of its last layer')
            [CompletionResult]::new('--probabilities', '--probabilities', [CompletionResultType]::ParameterName, 'Probabilities of the classes for each row, `[rows, classes]`, by a model of yours that never saw the row; they take the place of the learners of `label-error`')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory of the whole process')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'Expanded bytes for each compressed byte')
            [CompletionResult]::new('--max-expanded', '--max-expanded', [CompletionResultType]::ParameterName, 'Expanded bytes of one file')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Time for reading one file')
            [CompletionResult]::new('--against', '--against', [CompletionResultType]::ParameterName, 'A manifest that `data manifest` wrote: whatever differs from it is found (MW3601)')
            [CompletionResult]::new('--scores', '--scores', [CompletionResultType]::ParameterName, 'Write the score of every row under every check that has one')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;data;clean' {
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'The column or key that holds the label, or several with commas between; by default one that is called so')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The column whose equal values belong together: a patient, a user')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'The column of texts; by default every column of text')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Run these checks alone; without it all of them')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where random numbers begin')
            [CompletionResult]::new('--test', '--test', [CompletionResultType]::ParameterName, 'The set that the model is tested on, for leaks and drift')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'What the columns are to hold: a schema in TOML or JSON, or the JSON report of an earlier check, whose columns, types and lack of missing values are expected again')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'An ONNX model trained on the set: its activations show patterns that lie over the whole input')
            [CompletionResult]::new('--layer', '--layer', [CompletionResultType]::ParameterName, 'The value of the model that is looked at, such as the input of its last layer')
            [CompletionResult]::new('--probabilities', '--probabilities', [CompletionResultType]::ParameterName, 'Probabilities of the classes for each row, `[rows, classes]`, by a model of yours that never saw the row; they take the place of the learners of `label-error`')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory of the whole process')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'Expanded bytes for each compressed byte')
            [CompletionResult]::new('--max-expanded', '--max-expanded', [CompletionResultType]::ParameterName, 'Expanded bytes of one file')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Time for reading one file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the cleaned set goes, where nothing is yet')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the cleaned set goes, where nothing is yet')
            [CompletionResult]::new('--quarantine', '--quarantine', [CompletionResultType]::ParameterName, 'The folder for what is taken out, where nothing is yet')
            [CompletionResult]::new('--rows', '--rows', [CompletionResultType]::ParameterName, 'Take out the rows whose numbers stand in this file, parted by blanks or lines, in place of what the checks find; with `--only` beside it')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'In which form the outcome is told')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--prove', '--prove', [CompletionResultType]::ParameterName, 'Also measure what it is worth: learners are trained with the removed rows and without them and judged on the same other rows; where a trigger was found, it is put on rows that neither saw')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;data;restore' {
            [CompletionResult]::new('--cleaned', '--cleaned', [CompletionResultType]::ParameterName, 'The cleaned set, where it lies no longer where it was written')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the original goes, a file or a folder, where nothing is yet')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the original goes, a file or a folder, where nothing is yet')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;data;manifest' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the manifest goes; without it to standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the manifest goes; without it to standard output')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The column by whose values a row is known from one version to the next')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory of the whole process')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'Expanded bytes for each compressed byte')
            [CompletionResult]::new('--max-expanded', '--max-expanded', [CompletionResultType]::ParameterName, 'Expanded bytes of one file')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Time for reading one file')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Write over a file that is there')
            [CompletionResult]::new('--no-rows', '--no-rows', [CompletionResultType]::ParameterName, 'Leave the digests of single rows out: `data diff` then names stretches of rows')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;data;diff' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The column by whose values a row is known')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'In which form differences are told')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory of the whole process')
            [CompletionResult]::new('--max-ratio', '--max-ratio', [CompletionResultType]::ParameterName, 'Expanded bytes for each compressed byte')
            [CompletionResult]::new('--max-expanded', '--max-expanded', [CompletionResultType]::ParameterName, 'Expanded bytes of one file')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Time for reading one file')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;data;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Take out of a data set what a check found, so that it can be put back byte for byte')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Put back what was taken out: the original, byte for byte')
            [CompletionResult]::new('manifest', 'manifest', [CompletionResultType]::ParameterValue, 'List what a data set consists of: its files and its rows, by their digests')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;data;help;check' {
            break
        }
        'modelward;data;help;clean' {
            break
        }
        'modelward;data;help;restore' {
            break
        }
        'modelward;data;help;manifest' {
            break
        }
        'modelward;data;help;diff' {
            break
        }
        'modelward;data;help;help' {
            break
        }
        'modelward;manifest' {
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Hold the folder or file against a manifest that was saved')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the manifest to a file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the manifest to a file')
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Leave out this file or folder: an exact path below the model; may be given again')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads; 0 for as many as there are cores')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'The most memory for the contents of one file')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The most time for one file')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'In which form differences are told')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--tensors', '--tensors', [CompletionResultType]::ParameterName, 'Also digest every tensor (safetensors, PyTorch, npy, npz, ONNX, GGUF) and every row group of Parquet files, from the same read')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Write over a file that is there')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell where two models differ: which file, which tensor or row group, and which element')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;manifest;diff' {
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Leave out this file or folder: an exact path below the model; may be given again')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads; 0 for as many as there are cores')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'The most memory for the contents of one file')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The most time for one file')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'In which form differences are told')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;manifest;help' {
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell where two models differ: which file, which tensor or row group, and which element')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;manifest;help;diff' {
            break
        }
        'modelward;manifest;help;help' {
            break
        }
        'modelward;lock' {
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Where the model comes from: `hf:org/name`, `file:path`, `https://host/path`')
            [CompletionResult]::new('--revision', '--revision', [CompletionResultType]::ParameterName, 'The revision there, in 40 hexadecimal digits')
            [CompletionResult]::new('--lock', '--lock', [CompletionResultType]::ParameterName, 'The lock file')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Hold the models against the lock and write nothing; exit code 1 on any difference')
            [CompletionResult]::new('--update', '--update', [CompletionResultType]::ParameterName, 'Take over what differs from the lock')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;model' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Say what a model takes and gives, whether it can be differentiated, and what it costs')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a model on the arrays of an npz file, named as its inputs are')
            [CompletionResult]::new('grad', 'grad', [CompletionResultType]::ParameterValue, 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value')
            [CompletionResult]::new('check-grad', 'check-grad', [CompletionResultType]::ParameterValue, 'Hold the gradients of a model against central differences in double precision')
            [CompletionResult]::new('backdoor', 'backdoor', [CompletionResultType]::ParameterValue, 'Look for a trigger: a small pattern that sends whatever image shows it to one class')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;model;info' {
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Examples to plan for')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the description')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to compute on; 0 is for as many as the processor has')
            [CompletionResult]::new('--cpu', '--cpu', [CompletionResultType]::ParameterName, 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once, and for the weights')
            [CompletionResult]::new('--max-flop', '--max-flop', [CompletionResultType]::ParameterName, 'Floating-point operations of one run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;model;run' {
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'The inputs: an npz whose keys are the names of the model''s inputs')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'The inputs: an npz whose keys are the names of the model''s inputs')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the outputs go: an npz whose keys are the names of the model''s outputs')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the outputs go: an npz whose keys are the names of the model''s outputs')
            [CompletionResult]::new('--outputs', '--outputs', [CompletionResultType]::ParameterName, 'Only these outputs, with commas; by default all')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to compute on; 0 is for as many as the processor has')
            [CompletionResult]::new('--cpu', '--cpu', [CompletionResultType]::ParameterName, 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once, and for the weights')
            [CompletionResult]::new('--max-flop', '--max-flop', [CompletionResultType]::ParameterName, 'Floating-point operations of one run')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'What runs the model: modelward''s own engine, or ONNX Runtime in a process of its own, whose first outputs are held against those of the own engine')
            [CompletionResult]::new('--ort-library', '--ort-library', [CompletionResultType]::ParameterName, 'The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in `ORT_DYLIB_PATH`. It is not searched for anywhere')
            [CompletionResult]::new('--ort-provider', '--ort-provider', [CompletionResultType]::ParameterName, 'What ONNX Runtime computes with')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'How long ONNX Runtime may take, what is measured not counted')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;model;grad' {
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'The inputs: an npz whose keys are the names of the model''s inputs, with the labels or seeds')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'The inputs: an npz whose keys are the names of the model''s inputs, with the labels or seeds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the gradients go: `grad_NAME`, the outputs, and `loss`')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the gradients go: `grad_NAME`, the outputs, and `loss`')
            [CompletionResult]::new('--wrt', '--wrt', [CompletionResultType]::ParameterName, 'By what: `inputs`, `weights`, or names with commas')
            [CompletionResult]::new('--loss', '--loss', [CompletionResultType]::ParameterName, 'The loss of the first output, summed over the batch: cross-entropy, the margin of the label over the best other, the difference of logits ratio, or half the squared error')
            [CompletionResult]::new('--labels', '--labels', [CompletionResultType]::ParameterName, 'The key of the labels: class numbers, or for `mse` the numbers to be reached')
            [CompletionResult]::new('--seed-output', '--seed-output', [CompletionResultType]::ParameterName, 'Differentiate this output times the array `seed_OUTPUT`, or ones; may be given again')
            [CompletionResult]::new('--clip', '--clip', [CompletionResultType]::ParameterName, 'The norm that the gradient of an example is clipped to')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Write the graph of the gradient as plain ONNX instead of running it')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to compute on; 0 is for as many as the processor has')
            [CompletionResult]::new('--cpu', '--cpu', [CompletionResultType]::ParameterName, 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once, and for the weights')
            [CompletionResult]::new('--max-flop', '--max-flop', [CompletionResultType]::ParameterName, 'Floating-point operations of one run')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'What runs the model: modelward''s own engine, or ONNX Runtime in a process of its own, whose first outputs are held against those of the own engine')
            [CompletionResult]::new('--ort-library', '--ort-library', [CompletionResultType]::ParameterName, 'The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in `ORT_DYLIB_PATH`. It is not searched for anywhere')
            [CompletionResult]::new('--ort-provider', '--ort-provider', [CompletionResultType]::ParameterName, 'What ONNX Runtime computes with')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'How long ONNX Runtime may take, what is measured not counted')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--per-example', '--per-example', [CompletionResultType]::ParameterName, 'Clip the gradient of each example to the norm `--clip`, over all of `--wrt`, and sum them')
            [CompletionResult]::new('--straight-through', '--straight-through', [CompletionResultType]::ParameterName, 'Take rounding and signs for the identity where a gradient passes them: for attacks alone')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;model;check-grad' {
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'Examples that are looked at, where no inputs are given')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Inputs to look at; by default random ones, the same in each run')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'Inputs to look at; by default random ones, the same in each run')
            [CompletionResult]::new('--wrt', '--wrt', [CompletionResultType]::ParameterName, 'By what: `inputs`, `weights`, or names, with commas. By default both, as far as there are any')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to compute on; 0 is for as many as the processor has')
            [CompletionResult]::new('--cpu', '--cpu', [CompletionResultType]::ParameterName, 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once, and for the weights')
            [CompletionResult]::new('--max-flop', '--max-flop', [CompletionResultType]::ParameterName, 'Floating-point operations of one run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;model;backdoor' {
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'Clean images with their labels: an npz with `x` and `y`, or a folder of images with a folder for each class')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'The key of an npz that holds the labels')
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'Take the first images only')
            [CompletionResult]::new('--clip', '--clip', [CompletionResultType]::ParameterName, 'The range of every pixel, `LO,HI`; without it that of the data')
            [CompletionResult]::new('--preprocess', '--preprocess', [CompletionResultType]::ParameterName, 'What is done to the data before the model sees them; `auto` finds it by the labels')
            [CompletionResult]::new('--max-queries', '--max-queries', [CompletionResultType]::ParameterName, 'The most images that are sent to the model; by default as many as 6e10 operations take, between 75,000 and 900,000')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where random numbers begin')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to work with; by default as many as the processor has')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Stop after this long, and report what was found by then')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on standard error, and no plain report where nothing was found')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'modelward;model;bench' {
            [CompletionResult]::new('--what', '--what', [CompletionResultType]::ParameterName, 'What is measured: the model, the gradient of its cross-entropy by the inputs, or gradients by the weights, clipped to the norm 1 for each example')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Examples of one call')
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'For how many seconds calls are made')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to compute on; 0 is for as many as the processor has')
            [CompletionResult]::new('--cpu', '--cpu', [CompletionResultType]::ParameterName, 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors')
            [CompletionResult]::new('--max-memory', '--max-memory', [CompletionResultType]::ParameterName, 'Memory for all values at once, and for the weights')
            [CompletionResult]::new('--max-flop', '--max-flop', [CompletionResultType]::ParameterName, 'Floating-point operations of one run')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'What runs the model: modelward''s own engine, or ONNX Runtime in a process of its own, whose first outputs are held against those of the own engine')
            [CompletionResult]::new('--ort-library', '--ort-library', [CompletionResultType]::ParameterName, 'The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in `ORT_DYLIB_PATH`. It is not searched for anywhere')
            [CompletionResult]::new('--ort-provider', '--ort-provider', [CompletionResultType]::ParameterName, 'What ONNX Runtime computes with')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'How long ONNX Runtime may take, what is measured not counted')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;model;help' {
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Say what a model takes and gives, whether it can be differentiated, and what it costs')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a model on the arrays of an npz file, named as its inputs are')
            [CompletionResult]::new('grad', 'grad', [CompletionResultType]::ParameterValue, 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value')
            [CompletionResult]::new('check-grad', 'check-grad', [CompletionResultType]::ParameterValue, 'Hold the gradients of a model against central differences in double precision')
            [CompletionResult]::new('backdoor', 'backdoor', [CompletionResultType]::ParameterValue, 'Look for a trigger: a small pattern that sends whatever image shows it to one class')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;model;help;info' {
            break
        }
        'modelward;model;help;run' {
            break
        }
        'modelward;model;help;grad' {
            break
        }
        'modelward;model;help;check-grad' {
            break
        }
        'modelward;model;help;backdoor' {
            break
        }
        'modelward;model;help;bench' {
            break
        }
        'modelward;model;help;help' {
            break
        }
        'modelward;explain' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;rules' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the list')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;policy' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Let through one name in pickles, or one rule, with the reason')
            [CompletionResult]::new('emit', 'emit', [CompletionResultType]::ParameterValue, 'Print the names that the policy allows, as the loader takes them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;policy;add' {
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why it is let through')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'For a rule: only in files whose path ends in this')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'The policy to add to')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;policy;emit' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'The loader')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'The policy to read')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'modelward;policy;help' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Let through one name in pickles, or one rule, with the reason')
            [CompletionResult]::new('emit', 'emit', [CompletionResultType]::ParameterValue, 'Print the names that the policy allows, as the loader takes them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;policy;help;add' {
            break
        }
        'modelward;policy;help;emit' {
            break
        }
        'modelward;policy;help;help' {
            break
        }
        'modelward;help' {
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Audit models: everything that applies, in one report, with the experiments and the data sets that `modelward.toml` names')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Scan files without running them: models, archives, repositories, standard input')
            [CompletionResult]::new('seal', 'seal', [CompletionResultType]::ParameterValue, 'Encrypt a file or a folder, so that `modelward unseal` or `age` opens it')
            [CompletionResult]::new('unseal', 'unseal', [CompletionResultType]::ParameterValue, 'Open a file that `modelward seal` or `age` has sealed')
            [CompletionResult]::new('bom', 'bom', [CompletionResultType]::ParameterValue, 'Write the bill of materials of a model: what it is, what it is made of, what was found in it')
            [CompletionResult]::new('keygen', 'keygen', [CompletionResultType]::ParameterValue, 'Make a pair of keys that sign and verify models, or an identity that unseals them')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign the files of a model, after OpenSSF Model Signing v1.0')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a model against its signature: who signed, what changed, what the change means')
            [CompletionResult]::new('attack', 'attack', [CompletionResultType]::ParameterValue, 'Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it')
            [CompletionResult]::new('certify', 'certify', [CompletionResultType]::ParameterValue, 'Prove that a model keeps its answers within a budget, or that it has a property')
            [CompletionResult]::new('check-witness', 'check-witness', [CompletionResultType]::ParameterValue, 'Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed')
            [CompletionResult]::new('data', 'data', [CompletionResultType]::ParameterValue, 'Check a data set that a model is to be trained on: what is wrong with it, row by row; clean it, and tell its versions apart')
            [CompletionResult]::new('manifest', 'manifest', [CompletionResultType]::ParameterValue, 'List what a model or a data set consists of: files, tensors, row groups, with their digests')
            [CompletionResult]::new('lock', 'lock', [CompletionResultType]::ParameterValue, 'Keep in `modelward.lock` which models this project depends on, and exactly which bytes')
            [CompletionResult]::new('model', 'model', [CompletionResultType]::ParameterValue, 'Load, run and differentiate an ONNX model, within a budget and without executing any of its code')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a rule: what it finds, why that is a danger, what to do')
            [CompletionResult]::new('rules', 'rules', [CompletionResultType]::ParameterValue, 'List the rules')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Write down what is let through, or hand it on to a loader')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'modelward;help;audit' {
            break
        }
        'modelward;help;scan' {
            break
        }
        'modelward;help;seal' {
            break
        }
        'modelward;help;unseal' {
            break
        }
        'modelward;help;bom' {
            break
        }
        'modelward;help;keygen' {
            break
        }
        'modelward;help;sign' {
            break
        }
        'modelward;help;verify' {
            break
        }
        'modelward;help;attack' {
            break
        }
        'modelward;help;certify' {
            break
        }
        'modelward;help;check-witness' {
            break
        }
        'modelward;help;data' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Take out of a data set what a check found, so that it can be put back byte for byte')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Put back what was taken out: the original, byte for byte')
            [CompletionResult]::new('manifest', 'manifest', [CompletionResultType]::ParameterValue, 'List what a data set consists of: its files and its rows, by their digests')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed')
            break
        }
        'modelward;help;data;check' {
            break
        }
        'modelward;help;data;clean' {
            break
        }
        'modelward;help;data;restore' {
            break
        }
        'modelward;help;data;manifest' {
            break
        }
        'modelward;help;data;diff' {
            break
        }
        'modelward;help;manifest' {
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell where two models differ: which file, which tensor or row group, and which element')
            break
        }
        'modelward;help;manifest;diff' {
            break
        }
        'modelward;help;lock' {
            break
        }
        'modelward;help;model' {
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Say what a model takes and gives, whether it can be differentiated, and what it costs')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a model on the arrays of an npz file, named as its inputs are')
            [CompletionResult]::new('grad', 'grad', [CompletionResultType]::ParameterValue, 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value')
            [CompletionResult]::new('check-grad', 'check-grad', [CompletionResultType]::ParameterValue, 'Hold the gradients of a model against central differences in double precision')
            [CompletionResult]::new('backdoor', 'backdoor', [CompletionResultType]::ParameterValue, 'Look for a trigger: a small pattern that sends whatever image shows it to one class')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan')
            break
        }
        'modelward;help;model;info' {
            break
        }
        'modelward;help;model;run' {
            break
        }
        'modelward;help;model;grad' {
            break
        }
        'modelward;help;model;check-grad' {
            break
        }
        'modelward;help;model;backdoor' {
            break
        }
        'modelward;help;model;bench' {
            break
        }
        'modelward;help;explain' {
            break
        }
        'modelward;help;rules' {
            break
        }
        'modelward;help;policy' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Let through one name in pickles, or one rule, with the reason')
            [CompletionResult]::new('emit', 'emit', [CompletionResultType]::ParameterValue, 'Print the names that the policy allows, as the loader takes them')
            break
        }
        'modelward;help;policy;add' {
            break
        }
        'modelward;help;policy;emit' {
            break
        }
        'modelward;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
