
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
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Audit models: everything that applies, in one report')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Scan files without running them: models, archives, repositories, standard input')
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
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to read with; by default as many as the processor has')
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
        'modelward;scan' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the report: plain, json, sarif or html; several with commas, or given again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file, or to this folder where there are several forms; `-` is standard output')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Policy to judge by; without it, `modelward.toml` in the working directory')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Fail on findings of this level or above: info, low, medium, high or critical; by default what the policy says, or else medium')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Threads to read with; by default as many as the processor has')
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
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Audit models: everything that applies, in one report')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Scan files without running them: models, archives, repositories, standard input')
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
