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
    clap_mangen::Man::new(command.clone()).title(name).render(&mut text)?;
    pages.insert(format!("docs/man/{name}.1").into(), text);
    let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
    verbs.into_iter().try_for_each(|verb| {
        let name = format!("{name}-{}", verb.get_name());
        manual(verb, &name, pages)
    })
}
