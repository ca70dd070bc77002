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
complete -c modelward -n "__fish_modelward_needs_command" -f -a "audit" -d 'Audit models: everything that applies, in one report, with the experiments that `modelward.toml` names'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "scan" -d 'Scan files without running them: models, archives, repositories, standard input'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "attack" -d 'Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "certify" -d 'Prove that a model keeps its answers within a budget, or that it has a property'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "check-witness" -d 'Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed'
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
complete -c modelward -n "__fish_modelward_using_subcommand audit" -s h -l help -d 'Print help'
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
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -s h -l help -d 'Print help'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -f -a "info" -d 'Say what a model takes and gives, whether it can be differentiated, and what it costs'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -f -a "run" -d 'Run a model on the arrays of an npz file, named as its inputs are'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -f -a "grad" -d 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -f -a "check-grad" -d 'Hold the gradients of a model against central differences in double precision'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -f -a "bench" -d 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan'
complete -c modelward -n "__fish_modelward_using_subcommand model; and not __fish_seen_subcommand_from info run grad check-grad bench help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
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
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "audit" -d 'Audit models: everything that applies, in one report, with the experiments that `modelward.toml` names'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "scan" -d 'Scan files without running them: models, archives, repositories, standard input'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "attack" -d 'Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "certify" -d 'Prove that a model keeps its answers within a budget, or that it has a property'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "check-witness" -d 'Judge a published counterexample again: exactly inside its box, and wrong as the model is deployed'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "model" -d 'Load, run and differentiate an ONNX model, within a budget and without executing any of its code'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "explain" -d 'Explain a rule: what it finds, why that is a danger, what to do'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "rules" -d 'List the rules'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "policy" -d 'Write down what is let through, or hand it on to a loader'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan attack certify check-witness model explain rules policy help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "info" -d 'Say what a model takes and gives, whether it can be differentiated, and what it costs'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "run" -d 'Run a model on the arrays of an npz file, named as its inputs are'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "grad" -d 'Take gradients of a model: of a loss or of an output, by inputs, weights or any named value'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "check-grad" -d 'Hold the gradients of a model against central differences in double precision'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from model" -f -a "bench" -d 'Measure how long a model takes, and print it as JSON: CPU seconds a call, peak memory, plan'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "add" -d 'Let through one name in pickles, or one rule, with the reason'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "emit" -d 'Print the names that the policy allows, as the loader takes them'
