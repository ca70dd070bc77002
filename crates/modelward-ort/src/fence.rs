//! What the process of the runtime gives up: before the library is loaded, and before the model is
//! seen.
//!
//! On the processor the limit of memory is one of address space. CUDA reserves far more addresses
//! than it ever uses, so there it is one of data: writable memory of the process's own; and the
//! memory of the GPU is limited by the runtime itself.

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::job::{Provider, Setup};

/// Address space for the program, the library and what it holds before it sees a model.
const RUNTIME: u64 = 384 << 20;

/// Address space of one more thread: its stack, and what the allocator keeps for it.
const THREAD: u64 = 16 << 20;

/// Writable memory of CUDA and its libraries before they see a model.
const CUDA: u64 = 8 << 30;

/// Before the library is loaded.
pub(crate) fn before_library(setup: &Setup) -> io::Result<()> {
    limit(Resource::Core, 0)?;
    let threads = setup.threads as u64;
    // It sleeps until there is work, so no more than all threads over all the time.
    let seconds = setup.time.saturating_add(Duration::from_secs(2)).as_secs();
    limit(Resource::Cpu, seconds.saturating_mul(threads.saturating_add(1)))?;
    match setup.provider {
        Provider::Cpu => {
            let own = threads.saturating_mul(THREAD).saturating_add(RUNTIME);
            limit(Resource::As, setup.memory.saturating_add(own))?;
            limit(Resource::Fsize, 0)?;
            limit(Resource::Nofile, 64)?;
        }
        Provider::Cuda => {
            limit(Resource::Data, setup.memory.saturating_add(CUDA))?;
            limit(Resource::Nofile, 1024)?;
        }
    }
    #[cfg(target_os = "linux")]
    linux::enclose(setup)?;
    Ok(())
}

/// Before the model is seen. The threads of the processor's provider are all there by then; CUDA
/// starts its own later.
pub(crate) fn before_model(setup: &Setup) -> io::Result<()> {
    if setup.provider == Provider::Cpu {
        limit(Resource::Nproc, 0)?;
    }
    Ok(())
}

/// Never more than so much, and no more than before.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let old = rustix::process::getrlimit(resource).maximum;
    let most = old.map_or(most, |old| old.min(most));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{io, path::Path};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
        path_beneath_rules,
    };
    use rustix::process::{
        DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    };

    use super::{Provider, Setup};

    /// Where systems keep their shared libraries and what these read of the machine.
    const SYSTEM: [&str; 8] =
        ["/lib", "/lib64", "/usr", "/nix/store", "/gnu/store", "/etc/ld.so.cache", "/proc", "/sys"];

    /// No writing, no reading but of libraries, no TCP, no signals to others; and an end where the
    /// process that asks ends. The kernel grants what it knows of this, from Linux 5.13 on.
    pub(super) fn enclose(setup: &Setup) -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        let rules = || {
            let abi = ABI::V6;
            let rules = Ruleset::default()
                .handle_access(AccessFs::from_all(abi))?
                .handle_access(AccessNet::from_all(abi))?
                .scope(Scope::from_all(abi))?
                .create()?;
            let rules = match setup.provider {
                Provider::Cpu => {
                    let beside = setup.library.parent();
                    let readable = SYSTEM.iter().map(Path::new).chain(beside);
                    rules.add_rules(path_beneath_rules(readable, AccessFs::from_read(abi)))?
                }
                Provider::Cuda => rules
                    .add_rules(path_beneath_rules(["/"], AccessFs::from_read(abi)))?
                    .add_rules(path_beneath_rules(["/dev", "/proc"], AccessFs::from_all(abi)))?,
            };
            rules.restrict_self()
        };
        rules().map(|_| ()).map_err(|error: landlock::RulesetError| io::Error::other(error))
    }
}
