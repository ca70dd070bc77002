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
complete -c modelward -n "__fish_modelward_needs_command" -f -a "audit" -d 'Audit models: everything that applies, in one report'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "scan" -d 'Scan files without running them: models, archives, repositories, standard input'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "explain" -d 'Explain a rule: what it finds, why that is a danger, what to do'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "rules" -d 'List the rules'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "policy" -d 'Write down what is let through, or hand it on to a loader'
complete -c modelward -n "__fish_modelward_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l format -d 'Form of the report: plain, json, sarif or html; several with commas, or given again' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -s o -l output -d 'Write the report to this file, or to this folder where there are several forms; `-` is standard output' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l policy -d 'Policy to judge by; without it, `modelward.toml` in the working directory' -r -F
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l deny -d 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium' -r
complete -c modelward -n "__fish_modelward_using_subcommand audit" -l threads -d 'Threads to read with; by default as many as the processor has' -r
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
complete -c modelward -n "__fish_modelward_using_subcommand scan" -l threads -d 'Threads to read with; by default as many as the processor has' -r
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
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan explain rules policy help" -f -a "audit" -d 'Audit models: everything that applies, in one report'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan explain rules policy help" -f -a "scan" -d 'Scan files without running them: models, archives, repositories, standard input'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan explain rules policy help" -f -a "explain" -d 'Explain a rule: what it finds, why that is a danger, what to do'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan explain rules policy help" -f -a "rules" -d 'List the rules'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan explain rules policy help" -f -a "policy" -d 'Write down what is let through, or hand it on to a loader'
complete -c modelward -n "__fish_modelward_using_subcommand help; and not __fish_seen_subcommand_from audit scan explain rules policy help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "add" -d 'Let through one name in pickles, or one rule, with the reason'
complete -c modelward -n "__fish_modelward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "emit" -d 'Print the names that the policy allows, as the loader takes them'
