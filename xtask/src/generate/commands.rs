//! Man pages and shell completions, from the command line's own description.

use std::io;

use clap_complete::Shell;

use super::Pages;

pub(super) fn pages(pages: &mut Pages) -> io::Result<()> {
    let mut command = modelward::cli::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, "modelward", &mut text);
        let name = match shell {
            Shell::Bash => "modelward.bash",
            Shell::Zsh => "_modelward",
            Shell::Fish => "modelward.fish",
            _ => "_modelward.ps1",
        };
        pages.insert(format!("completions/{name}").into(), text);
    }
    command.build();
    manual(&command, "modelward", pages)
}

/// The page of a command, and those of its subcommands.
fn manual(command: &clap::Command, name: &str, pages: &mut Pages) -> io::Result<()> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("modelward ", env!("CARGO_PKG_VERSION")))
        .manual("modelward");
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let rest = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    sections(&rest, &mut text)?;
    pages.insert(format!("docs/man/{name}.1").into(), text);
    let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
    verbs.into_iter().try_for_each(|verb| {
        let name = format!("{name}-{}", verb.get_name());
        manual(verb, &name, pages)
    })
}

/// What stands behind the options in the help, each part under the heading that man pages have
/// for it.
fn sections(help: &str, out: &mut dyn io::Write) -> io::Result<()> {
    for part in help.split("\n\n") {
        let (heading, lines) = part.split_once('\n').unwrap_or((part, ""));
        let heading = match heading {
            "Exit codes:" => "EXIT STATUS",
            "Example:" | "Examples:" => "EXAMPLES",
            other => other,
        };
        // As written, line by line: roff would fill them to paragraphs.
        let lines = lines.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        writeln!(out, ".SH \"{heading}\"\n.nf\n{lines}\n.fi")?;
    }
    Ok(())
}
