# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_modelward_global_optspecs
    string join \n color= h/help V/version
end

function __fish_modelward_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_modelward_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_modelward_using_subcommand
    set -l cmd (__fish_modelward_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c modelward -n "__fish_modelward_needs_command" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_needs_command" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_needs_command" -s V -l version -d 'Print version'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "audit" -d 'Audit models: everything that applies, in one report, with the experiments and the data sets that `modelward.toml` names'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "scan" -d 'Scan files without running them: models, archives, repositories, standard input'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "seal" -d 'Encrypt a file or a folder, so that `modelward unseal` or `age` opens it'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "unseal" -d 'Open a file that `modelward seal` or `age` has sealed'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "bom" -d 'Write the bill of materials of a model: what it is, what it is made of, what was found in it'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "keygen" -d 'Make a pair of keys that sign and verify models, or an identity that unseals them'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "sign" -d 'Sign the files of a model, after OpenSSF Model Signing v1.0'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "verify" -d 'Verify a model against its signature: who signed, what changed, what the change means'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "attack" -d 'Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "certify" -d 'Prove that a model keeps its answers within a budget, or that it has a property'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "check-witness" -d 'Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "data" -d 'Check a data set that a model is to be trained on: what is wrong with it, row by row; clean it, and tell its versions apart'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "manifest" -d 'List what a model or a data set consists of: files, tensors, row groups, with their digests'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "lock" -d 'Keep in `modelward.lock` which models this project depends on, and exactly which bytes'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "model" -d 'Load, run and differentiate an ONNX model, within a budget and without executing any of its code'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "explain" -d 'Explain a rule: what it finds, why that is a danger, what to do'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "rules" -d 'List the rules'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "policy" -d 'Write down what is let through, or hand it on to a loader'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l max-depth -d 'Containers inside containers' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l max-expanded -d 'What the containers of one file may expand to' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l max-memory -d 'Memory for one file beyond the windows on it' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l max-time -d 'Time for one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand audit" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l max-depth -d 'Containers inside containers' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l max-expanded -d 'What the containers of one file may expand to' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l max-memory -d 'Memory for one file beyond the windows on it' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l max-time -d 'Time for one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand scan" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand scan" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -s r -l recipient -d 'Who can open it: `age1...`; may be given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l recipients-file -d 'A file with a recipient a line; may be given again' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l passphrase-file -d 'Take the passphrase from the first line of a file' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand seal" -s o -l output -d 'Where to write; by default beside the path, with `.age` behind its name' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l passphrase -d 'Ask for a passphrase on the terminal'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l armor -d 'Write text instead of bytes'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l follow-links -d 'Seal the files that links in the folder lead to'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l force -d 'Replace a file that is there'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand seal" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -s i -l identity -d 'A file with the secret identity; may be given again' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l passphrase-file -d 'Take the passphrase from the first line of a file' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l max-work-factor -d 'Try a passphrase whose cost is up to 2^N KiB of memory' -r
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -s o -l output -d 'Where to write; by default beside the sealed file, without `.age`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l passphrase -d 'Ask for a passphrase on the terminal'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l raw -d 'Write what was sealed as one file, also where it is a folder'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l unpack -d 'Unpack a tar archive that something else than `modelward seal` has made'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l list -d 'Name what a sealed folder holds; write nothing'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l force -d 'Replace a file that is there'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand unseal" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l spec -d 'Form of the document: CycloneDX 1.7 or 1.6, or SPDX 3.0.1 with its AI profile' -r -f -a "1.7\t''
1.6\t''
spdx\t''"
complete -c modelward -n "__fish_modelward_using_subcommand bom" -s o -l output -d 'Write the document to this file; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l source -d 'Where the model was had from, `hf:OWNER/NAME@COMMIT`; a Hugging Face cache tells that itself' -r
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l policy -d 'Policy that says which findings are let through; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l force -d 'Replace a file that is there and no older bill of materials'
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l no-scan -d 'Leave out the scan, and with it the vulnerabilities'
complete -c modelward -n "__fish_modelward_using_subcommand bom" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand bom" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand bom" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -s o -l output -d 'Where the private key goes: PKCS#8 PEM that you alone may read' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l public -d 'Where the public key goes [default: beside the private one, `K.pub.pem` for `K.pem`]' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l curve -d 'The curve' -r -f -a "p256\t'NIST P-256, with SHA-256: what most tools read'
p384\t'NIST P-384, with SHA-384'
p521\t'NIST P-521, with SHA-512'"
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l password-file -d 'Encrypt the private key with the password in the first line of a file' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l password -d 'Encrypt the private key; the password is asked for on the terminal'
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l age -d 'Make an identity of age instead, for `modelward seal` and `unseal`; it is one file'
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -l force -d 'Replace keys that are there; whatever they signed can then no longer be signed anew'
complete -c modelward -n "__fish_modelward_using_subcommand keygen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l key -d 'The private key, on P-256, P-384 or P-521, in PEM; `env:NAME` takes it from the environment' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l key-password-file -d 'The password of an encrypted key, in the first line of a file [default: ask on the terminal]' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l cert -d 'The certificate of the key, in PEM; certificates of its authorities may follow in the same file' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l chain -d 'A certificate between that one and the root, in PEM; may be given again' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -s o -l output -d 'Where to write the signature' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l hash -d 'The hash of the files' -r -f -a "sha256\t''
blake2b\t''
blake3\t''"
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l method -d 'Hash whole files, or each piece of them by itself' -r -f -a "files\t''
shards\t''"
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l shard-size -d 'Bytes of a piece, with `--method shards`; by default 1 GB' -r
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l report-to -d 'With `--scan`, also write the signed report of the scan' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l policy -d 'With `--scan`, the policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l report -d 'Sign this report instead, the JSON of a scan of this model as it is now' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l ignore -d 'Leave out this file or folder: an exact path below the model; may be given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l max-time -d 'Stop after this long' -r
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l force -d 'Write over a file that is there'
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l allow-symlinks -d 'Follow links, and sign what they lead to under their own names'
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l scan -d 'Scan the model first, in the same read, and sign it only where nothing is denied or unread'
complete -c modelward -n "__fish_modelward_using_subcommand sign" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand sign" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand sign" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l signature -d 'The signature: a bundle after OpenSSF Model Signing' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l public-key -d 'The key of the signer, in PEM' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l cert-root -d 'An authority whose certificates may sign, in PEM; may be given again' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l expect-subject -d 'The one who may have signed, with `--cert-root`: a common name, or a whole subject' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l at -d 'When the certificates have to be valid, with `--cert-root`; by default now' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l trusted-root -d 'The authorities and logs of Sigstore, for a keyless signature: a `trusted_root.json`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l expect-identity -d 'The identity that may have signed, with `--trusted-root`: an address or a URI' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l expect-issuer -d 'The service that has to vouch for the identity, with `--trusted-root`' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l ignore -d 'Leave out this file or folder: an exact path below the model; may be given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l max-time -d 'Stop after this long' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l report -d 'The signed report of a scan, by the same signer: it has to be about this model, and clean' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l against -d 'An older version of the model, to show what changed in it' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l copy-to -d 'Copy what was verified to this new folder, from the same read' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l exec -d 'Run this command once all is verified, with `{}` in it replaced by a private copy of what was verified; give it last' -r
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l ignore-unsigned-files -d 'Let files be that nobody signed'
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l partial -d 'Verify what is there; name what is missing, and end with 3 where something is'
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l require-scan -d 'Deny a model that has no signed report'
complete -c modelward -n "__fish_modelward_using_subcommand verify" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand verify" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand verify" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l data -d 'The samples: an npz with `x` and `y`, a table with `--label`, or a folder of images with a folder for each class' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l label -d 'The column of a table, or the key of an npz, that holds the labels' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l samples -d 'Take the first samples only' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l norm -d 'How a change is measured: linf, l2, l1, or l0 for the number of inputs that change' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l eps -d 'How large a change may be, in the units of the data: `8/255`, `0.05`' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l spec -d 'What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which one holds, what cannot change and what a change costs' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l patch -d 'Instead of a norm: all may change in one square with this side, anywhere in the image' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l spatial -d 'Instead of a norm: the image is turned by so many degrees and moved by so many pixels: `30,3`' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l effort -d 'How hard to try: quick for a look, standard for the strength of AutoAttack, deep for more' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l clip -d 'The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l preprocess -d 'What is done to the data before the model sees them: `auto` finds it by the labels, `none`, or words in order: `scale=255 mean=0.49:0.48:0.45 std=0.2 layout=nhwc transpose invert`' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l seed -d 'Where random numbers begin' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l fail-under -d 'Fail where fewer than this share of all samples stand: `0.4`' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l witnesses -d 'Write the points that samples fall to: `x`, `index` into the data, `label` they now get; of texts, a JSON object a line' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l tokenizer -d 'The model takes texts, by this tokenizer: a `tokenizer.json`, or the `vocab.txt` of a BERT. The data are a table with a header, or a JSON object a line' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l text -d 'The column or key of the texts, `text` by default; the labels\' is `label`' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l classes -d 'The names of the classes in the model\'s order: `ham,spam`. Without it names are sorted' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l edits -d 'How many edits of a text are allowed, each of one character, two neighbours or one word' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l families -d 'What is edited: homoglyph, invisible, typo, and words where `--words` lists some' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l words -d 'Words and what may stand for them, a line each, parted by tabs' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l max-length -d 'The most tokens of a text that the model takes; without it what the tokenizer\'s file says' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l max-queries -d 'Send at most so many samples; what was found by then is reported. Of texts: for each text and each kind of edit' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l query-log -d 'Write a line of JSON for each request: samples, digests of inputs and answer, status' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l host -d 'Another machine than this one that may be asked, with its owner\'s consent' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l max-memory -d 'Memory for all values at once' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l max-time -d 'Stop after this long, and report what was found by then' -r
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l targeted -d 'Ask for a class that is drawn for each sample, where any other would do'
complete -c modelward -n "__fish_modelward_using_subcommand attack" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand attack" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand attack" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l data -d 'The samples: an npz with `x` and `y`, a table with `--label`, or a folder of images with a folder for each class' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l property -d 'A property in VNN-LIB 1.0, instead of data' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l label -d 'The column of a table, or the key of an npz, that holds the labels' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l samples -d 'Take the first samples only' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l norm -d 'How a change is measured: linf for proofs, l2 with `--smooth`' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l eps -d 'How large a change may be, in the units of the data: `8/255`, `0.05`' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l spec -d 'What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which one holds, what cannot change and what a change costs' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l smooth -d 'Certify the class that the model says most often under Gaussian noise of this standard deviation, in the units of the data, by `--norm l2` (randomised smoothing)' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l noise-samples -d 'Noisy copies of each sample by which its class is chosen, and others by which its share is estimated' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l alpha -d 'The chance that a certificate under noise is wrong' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l clip -d 'The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l preprocess -d 'What is done to the data before the model sees them; `auto` finds it by the labels' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l max-time-each -d 'Time for one sample' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l seed -d 'Where random numbers begin' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l verdicts -d 'Write a verdict for each sample: `verdict` 1 holds, 0 unknown, -1 violated, -2 wrong before; with `--minimal` also `distance` and `witness`, with `--smooth` also `radius`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l witnesses -d 'Write the point that violates the property, under `x`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l max-memory -d 'Memory for all values at once' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l max-time -d 'Stop after this long, and report what was found by then' -r
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l minimal -d 'Find the least distance at which each sample can be broken: exact for trees'
complete -c modelward -n "__fish_modelward_using_subcommand certify" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand certify" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand certify" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l max-memory -d 'Memory for all values at once' -r
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l max-time -d 'Stop after this long, and report what was found by then' -r
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand check-witness" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -f -a "check" -d 'Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -f -a "clean" -d 'Take out of a data set what a check found, so that it can be put back byte for byte'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -f -a "restore" -d 'Put back what was taken out: the original, byte for byte'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -f -a "manifest" -d 'List what a data set consists of: its files and its rows, by their digests'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -f -a "diff" -d 'Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed'
complete -c modelward -n "__fish_modelward_using_subcommand data; and not __fish_seen_subcommand_from check clean restore manifest diff help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l label -d 'The column or key that holds the label, or several with commas between; by default one that is called so' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l group -d 'The column whose equal values belong together: a patient, a user' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l text -d 'The column of texts; by default every column of text' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l only -d 'Run these checks alone; without it all of them' -r -f -a "profile\t''
schema\t''
drift\t''
group-summary\t''
label-spelling\t''
label-error\t''
trigger\t''
outlier\t''
duplicate\t''
near-duplicate\t''
leak\t''
formula\t''
hidden-character\t''
prompt-injection\t''
secret\t''
bad-address\t''
hidden-file\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l seed -d 'Where random numbers begin' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l test -d 'The set that the model is tested on, for leaks and drift' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l schema -d 'What the columns are to hold: a schema in TOML or JSON, or the JSON report of an earlier check, whose columns, types and lack of missing values are expected again' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l model -d 'An ONNX model trained on the set: its activations show patterns that lie over the whole input' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l layer -d 'The value of the model that is looked at, such as the input of its last layer' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l probabilities -d 'Probabilities of the classes for each row, `[rows, classes]`, by a model of yours that never saw the row; they take the place of the learners of `label-error`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l max-memory -d 'Memory of the whole process' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l max-ratio -d 'Expanded bytes for each compressed byte' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l max-expanded -d 'Expanded bytes of one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l max-time -d 'Time for reading one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l against -d 'A manifest that `data manifest` wrote: whatever differs from it is found (MW3601)' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l scores -d 'Write the score of every row under every check that has one' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l label -d 'The column or key that holds the label, or several with commas between; by default one that is called so' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l group -d 'The column whose equal values belong together: a patient, a user' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l text -d 'The column of texts; by default every column of text' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l only -d 'Run these checks alone; without it all of them' -r -f -a "profile\t''
schema\t''
drift\t''
group-summary\t''
label-spelling\t''
label-error\t''
trigger\t''
outlier\t''
duplicate\t''
near-duplicate\t''
leak\t''
formula\t''
hidden-character\t''
prompt-injection\t''
secret\t''
bad-address\t''
hidden-file\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l seed -d 'Where random numbers begin' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l test -d 'The set that the model is tested on, for leaks and drift' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l schema -d 'What the columns are to hold: a schema in TOML or JSON, or the JSON report of an earlier check, whose columns, types and lack of missing values are expected again' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l model -d 'An ONNX model trained on the set: its activations show patterns that lie over the whole input' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l layer -d 'The value of the model that is looked at, such as the input of its last layer' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l probabilities -d 'Probabilities of the classes for each row, `[rows, classes]`, by a model of yours that never saw the row; they take the place of the learners of `label-error`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l max-memory -d 'Memory of the whole process' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l max-ratio -d 'Expanded bytes for each compressed byte' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l max-expanded -d 'Expanded bytes of one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l max-time -d 'Time for reading one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -s o -l output -d 'Where the cleaned set goes, where nothing is yet' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l quarantine -d 'The folder for what is taken out, where nothing is yet' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l rows -d 'Take out the rows whose numbers stand in this file, parted by blanks or lines, in place of what the checks find; with `--only` beside it' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l format -d 'In which form the outcome is told' -r -f -a "plain\t''
json\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l prove -d 'Also measure what it is worth: learners are trained with the removed rows and without them and judged on the same other rows; where a trigger was found, it is put on rows that neither saw'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from clean" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from restore" -l cleaned -d 'The cleaned set, where it lies no longer where it was written' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from restore" -s o -l output -d 'Where the original goes, a file or a folder, where nothing is yet' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from restore" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -s o -l output -d 'Where the manifest goes; without it to standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l key -d 'The column by whose values a row is known from one version to the next' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l max-memory -d 'Memory of the whole process' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l max-ratio -d 'Expanded bytes for each compressed byte' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l max-expanded -d 'Expanded bytes of one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l max-time -d 'Time for reading one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l force -d 'Write over a file that is there'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l no-rows -d 'Leave the digests of single rows out: `data diff` then names stretches of rows'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from manifest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l key -d 'The column by whose values a row is known' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l format -d 'In which form differences are told' -r -f -a "plain\t''
json\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l max-memory -d 'Memory of the whole process' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l max-ratio -d 'Expanded bytes for each compressed byte' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l max-expanded -d 'Expanded bytes of one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l max-time -d 'Time for reading one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "clean" -d 'Take out of a data set what a check found, so that it can be put back byte for byte'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Put back what was taken out: the original, byte for byte'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "manifest" -d 'List what a data set consists of: its files and its rows, by their digests'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed'
complete -c modelward -n "__fish_modelward_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l check -d 'Hold the folder or file against a manifest that was saved' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -s o -l output -d 'Write the manifest to a file' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l ignore -d 'Leave out this file or folder: an exact path below the model; may be given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l threads -d 'Threads; 0 for as many as there are cores' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l max-memory -d 'The most memory for the contents of one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l max-time -d 'The most time for one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l format -d 'In which form differences are told' -r -f -a "plain\t''
json\t''"
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l tensors -d 'Also digest every tensor (safetensors, PyTorch, npy, npz, ONNX, GGUF) and every row group of Parquet files, from the same read'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l force -d 'Write over a file that is there'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -a "diff" -d 'Tell where two models differ: which file, which tensor or row group, and which element'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and not __fish_seen_subcommand_from diff help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l ignore -d 'Leave out this file or folder: an exact path below the model; may be given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l threads -d 'Threads; 0 for as many as there are cores' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l max-memory -d 'The most memory for the contents of one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l max-time -d 'The most time for one file' -r
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l format -d 'In which form differences are told' -r -f -a "plain\t''
json\t''"
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -s q -l quiet -d 'Say nothing on standard error'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Tell where two models differ: which file, which tensor or row group, and which element'
complete -c modelward -n "__fish_modelward_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l source -d 'Where the model comes from: `hf:org/name`, `file:path`, `https://host/path`' -r
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l revision -d 'The revision there, in 40 hexadecimal digits' -r
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l lock -d 'The lock file' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand lock" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l check -d 'Hold the models against the lock and write nothing; exit code 1 on any difference'
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l update -d 'Take over what differs from the lock'
complete -c modelward -n "__fish_modelward_using_subcommand lock" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand lock" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "info" -d 'Say what a model takes and gives, whether it can be differentiated, and what it costs'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "run" -d 'Run a model on the arrays of an npz file, named as its inputs are'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "grad" -d 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "check-grad" -d 'Hold the gradients of a model against central differences in double precision'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "backdoor" -d 'Look for a trigger: a small pattern that sends whatever image shows it to one class'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "bench" -d 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad backdoor bench help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l batch -d 'Examples to plan for' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l format -d 'Form of the description' -r -f -a "plain\t''
json\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l threads -d 'Threads to compute on; 0 is for as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l cpu -d 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors' -r -f -a "scalar\t''
avx2\t''
avx512\t''
neon\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l max-memory -d 'Memory for all values at once, and for the weights' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l max-flop -d 'Floating-point operations of one run' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -s i -l input -d 'The inputs: an npz whose keys are the names of the model\'s inputs' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -s o -l output -d 'Where the outputs go: an npz whose keys are the names of the model\'s outputs' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l outputs -d 'Only these outputs, with commas; by default all' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l threads -d 'Threads to compute on; 0 is for as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l cpu -d 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors' -r -f -a "scalar\t''
avx2\t''
avx512\t''
neon\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l max-memory -d 'Memory for all values at once, and for the weights' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l max-flop -d 'Floating-point operations of one run' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l engine -d 'What runs the model: modelward\'s own engine, or ONNX Runtime in a process of its own, whose first outputs are held against those of the own engine' -r -f -a "own\t''
ort\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l ort-library -d 'The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in `ORT_DYLIB_PATH`. It is not searched for anywhere' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l ort-provider -d 'What ONNX Runtime computes with' -r -f -a "cpu\t''
cuda\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l max-time -d 'How long ONNX Runtime may take, what is measured not counted' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -s i -l input -d 'The inputs: an npz whose keys are the names of the model\'s inputs, with the labels or seeds' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -s o -l output -d 'Where the gradients go: `grad_NAME`, the outputs, and `loss`' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l wrt -d 'By what: `inputs`, `weights`, or names with commas' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l loss -d 'The loss of the first output, summed over the batch: cross-entropy, the margin of the label over the best other, the difference of logits ratio, or half the squared error' -r -f -a "ce\t''
margin\t''
dlr\t''
mse\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l labels -d 'The key of the labels: class numbers, or for `mse` the numbers to be reached' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l seed-output -d 'Differentiate this output times the array `seed_OUTPUT`, or ones; may be given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l clip -d 'The norm that the gradient of an example is clipped to' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l export -d 'Write the graph of the gradient as plain ONNX instead of running it' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l threads -d 'Threads to compute on; 0 is for as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l cpu -d 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors' -r -f -a "scalar\t''
avx2\t''
avx512\t''
neon\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l max-memory -d 'Memory for all values at once, and for the weights' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l max-flop -d 'Floating-point operations of one run' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l engine -d 'What runs the model: modelward\'s own engine, or ONNX Runtime in a process of its own, whose first outputs are held against those of the own engine' -r -f -a "own\t''
ort\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l ort-library -d 'The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in `ORT_DYLIB_PATH`. It is not searched for anywhere' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l ort-provider -d 'What ONNX Runtime computes with' -r -f -a "cpu\t''
cuda\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l max-time -d 'How long ONNX Runtime may take, what is measured not counted' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l per-example -d 'Clip the gradient of each example to the norm `--clip`, over all of `--wrt`, and sum them'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -l straight-through -d 'Take rounding and signs for the identity where a gradient passes them: for attacks alone'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from grad" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l samples -d 'Examples that are looked at, where no inputs are given' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -s i -l input -d 'Inputs to look at; by default random ones, the same in each run' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l wrt -d 'By what: `inputs`, `weights`, or names, with commas. By default both, as far as there are any' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l threads -d 'Threads to compute on; 0 is for as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l cpu -d 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors' -r -f -a "scalar\t''
avx2\t''
avx512\t''
neon\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l max-memory -d 'Memory for all values at once, and for the weights' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l max-flop -d 'Floating-point operations of one run' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from check-grad" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l data -d 'Clean images with their labels: an npz with `x` and `y`, or a folder of images with a folder for each class' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l label -d 'The key of an npz that holds the labels' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l samples -d 'Take the first images only' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l clip -d 'The range of every pixel, `LO,HI`; without it that of the data' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l preprocess -d 'What is done to the data before the model sees them; `auto` finds it by the labels' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l max-queries -d 'The most images that are sent to the model; by default as many as 6e10 operations take, between 75,000 and 900,000' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l seed -d 'Where random numbers begin' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l threads -d 'Threads to work with; by default as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l max-memory -d 'Memory for all values at once' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l max-time -d 'Stop after this long, and report what was found by then' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -s q -l quiet -d 'Say nothing on standard error, and no plain report where nothing was found'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -l no-progress -d 'Show no progress'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from backdoor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l what -d 'What is measured: the model, the gradient of its cross-entropy by the inputs, or gradients by the weights, clipped to the norm 1 for each example' -r -f -a "forward\t''
grad\t''
per-example\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l batch -d 'Examples of one call' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l seconds -d 'For how many seconds calls are made' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l threads -d 'Threads to compute on; 0 is for as many as the processor has' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l cpu -d 'Instructions to compute with; by default the best that the processor has. Each set has a bit pattern of its own where sums are vectors' -r -f -a "scalar\t''
avx2\t''
avx512\t''
neon\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l max-memory -d 'Memory for all values at once, and for the weights' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l max-flop -d 'Floating-point operations of one run' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l engine -d 'What runs the model: modelward\'s own engine, or ONNX Runtime in a process of its own, whose first outputs are held against those of the own engine' -r -f -a "own\t''
ort\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l ort-library -d 'The shared library of ONNX Runtime, 1.17 or newer, by its whole path; without it, that in `ORT_DYLIB_PATH`. It is not searched for anywhere' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l ort-provider -d 'What ONNX Runtime computes with' -r -f -a "cpu\t''
cuda\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l max-time -d 'How long ONNX Runtime may take, what is measured not counted' -r
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from bench" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "info" -d 'Say what a model takes and gives, whether it can be differentiated, and what it costs'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "run" -d 'Run a model on the arrays of an npz file, named as its inputs are'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "grad" -d 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "check-grad" -d 'Hold the gradients of a model against central differences in double precision'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "backdoor" -d 'Look for a trigger: a small pattern that sends whatever image shows it to one class'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "bench" -d 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan'
complete -c modelward -n "__fish_modelward_using_subcommand model; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand explain" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand explain" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand rules" -l format -d 'Form of the list' -r -f -a "plain\t''
json\t''"
complete -c modelward -n "__fish_modelward_using_subcommand rules" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand rules" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and not __fish_seen_subcommand_from add emit help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand policy; and not __fish_seen_subcommand_from add emit help" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and not __fish_seen_subcommand_from add emit help" -f -a "add" -d 'Let through one name in pickles, or one rule, with the reason'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and not __fish_seen_subcommand_from add emit help" -f -a "emit" -d 'Print the names that the policy allows, as the loader takes them'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and not __fish_seen_subcommand_from add emit help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from add" -l reason -d 'Why it is let through' -r
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from add" -l path -d 'For a rule: only in files whose path ends in this' -r
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from add" -l policy -d 'The policy to add to' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from add" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from emit" -l for -d 'The loader' -r -f -a "torch\t''"
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from emit" -l policy -d 'The policy to read' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from emit" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from emit" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "add" -d 'Let through one name in pickles, or one rule, with the reason'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "emit" -d 'Print the names that the policy allows, as the loader takes them'
complete -c modelward -n "__fish_modelward_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "audit" -d 'Audit models: everything that applies, in one report, with the experiments and the data sets that `modelward.toml` names'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "scan" -d 'Scan files without running them: models, archives, repositories, standard input'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "seal" -d 'Encrypt a file or a folder, so that `modelward unseal` or `age` opens it'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "unseal" -d 'Open a file that `modelward seal` or `age` has sealed'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "bom" -d 'Write the bill of materials of a model: what it is, what it is made of, what was found in it'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "keygen" -d 'Make a pair of keys that sign and verify models, or an identity that unseals them'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "sign" -d 'Sign the files of a model, after OpenSSF Model Signing v1.0'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "verify" -d 'Verify a model against its signature: who signed, what changed, what the change means'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "attack" -d 'Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "certify" -d 'Prove that a model keeps its answers within a budget, or that it has a property'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "check-witness" -d 'Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "data" -d 'Check a data set that a model is to be trained on: what is wrong with it, row by row; clean it, and tell its versions apart'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "manifest" -d 'List what a model or a data set consists of: files, tensors, row groups, with their digests'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "lock" -d 'Keep in `modelward.lock` which models this project depends on, and exactly which bytes'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "model" -d 'Load, run and differentiate an ONNX model, within a budget and without executing any of its code'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "explain" -d 'Explain a rule: what it finds, why that is a danger, what to do'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "rules" -d 'List the rules'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "policy" -d 'Write down what is let through, or hand it on to a loader'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan seal unseal bom keygen sign verify attack certify check-witness data manifest lock model explain rules policy help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "check" -d 'Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "clean" -d 'Take out of a data set what a check found, so that it can be put back byte for byte'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "restore" -d 'Put back what was taken out: the original, byte for byte'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "manifest" -d 'List what a data set consists of: its files and its rows, by their digests'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "diff" -d 'Tell where two versions of a data set differ: files, columns, and the rows removed, added and changed'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "diff" -d 'Tell where two models differ: which file, which tensor or row group, and which element'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "info" -d 'Say what a model takes and gives, whether it can be differentiated, and what it costs'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "run" -d 'Run a model on the arrays of an npz file, named as its inputs are'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "grad" -d 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "check-grad" -d 'Hold the gradients of a model against central differences in double precision'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "backdoor" -d 'Look for a trigger: a small pattern that sends whatever image shows it to one class'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "bench" -d 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "add" -d 'Let through one name in pickles, or one rule, with the reason'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "emit" -d 'Print the names that the policy allows, as the loader takes them'
