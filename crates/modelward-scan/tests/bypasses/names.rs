//! Ways by the name of what is called: 1 to 4, and 14.

use std::collections::HashSet;

use modelward_core::Outcome;

use crate::{breaks, listed, none, outcome};

/// A call by STACK_GLOBAL, its names taken from the memo or not.
fn call(protocol: u8, memoised: bool, module: &str, name: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        [b"X", &length[..], text.as_bytes()].concat()
    };
    let (module, name) = (text(module), text(name));
    let names = if memoised {
        [&module[..], b"\x940", &name, b"\x940h\0h\x01"].concat()
    } else {
        [module, name].concat()
    };
    [&[0x80, protocol], &names[..], b"\x93X\x01\0\0\0x\x85R."].concat()
}

/// Each spelling of that call.
fn calls(module: &str, name: &str) -> [Vec<u8>; 4] {
    [(4, false), (4, true), (5, false), (5, true)]
        .map(|(protocol, memoised)| call(protocol, memoised, module, name))
}

/// A call by GLOBAL, in a protocol that maps no names.
fn global(module: &str, name: &str) -> Vec<u8> {
    [b"\x80\x03", format!("c{module}\n{name}\n(V1\ntR.").as_bytes()].concat()
}

#[test]
fn every_listed_module_with_os_system_behind_a_dot() {
    let mut wrong = Vec::new();
    for module in listed::modules() {
        let found = |bytes: &Vec<u8>| outcome(bytes) == Outcome::Malicious;
        if !calls(&module, "os.system").iter().all(found) {
            wrong.push(module);
        }
    }
    none(wrong);
}

#[test]
fn every_listed_module_with_a_private_alias_behind_a_dot() {
    let aliases = [
        "_os.system",
        "_sys.breakpointhook",
        "_sys.modules.get",
        "sys.modules.__getitem__",
        "__builtins__.eval",
        "__loader__.load_module",
        "__spec__.loader.get_data",
        "warnings.sys.modules.get",
    ];
    let mut wrong = Vec::new();
    for module in listed::modules() {
        for alias in aliases {
            let [bytes, ..] = calls(&module, alias);
            if outcome(&bytes) != Outcome::Malicious {
                wrong.push(format!("{module} {alias}"));
            }
        }
    }
    none(wrong);
}

#[test]
fn every_listed_class_with_its_globals_behind_a_dot() {
    let mut wrong = Vec::new();
    for (module, name, _) in listed::entries() {
        for tail in ["__init__.__globals__", "__class__.__base__.__subclasses__"] {
            let bytes = call(4, false, &module, &format!("{name}.{tail}"));
            if outcome(&bytes) < Outcome::Unknown {
                wrong.push(format!("{module} {name}.{tail}"));
            }
        }
    }
    none(wrong);
}

#[test]
fn every_unlisted_callable_of_the_standard_library() {
    let entries = listed::entries();
    let listed = entries.iter().map(|(module, name, _)| (module.as_str(), name.as_str()));
    let listed = listed.collect::<HashSet<_>>();
    let callables = include_str!("../fixtures/standard_library_callables.txt");
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for line in callables.lines().filter(|line| !line.starts_with('#')) {
        let (module, names) = line.split_once(": ").unwrap();
        for name in names.split(' ').filter(|name| !listed.contains(&(module, *name))) {
            seen += 1;
            if outcome(&global(module, name)) < Outcome::Unknown {
                wrong.push(format!("{module} {name}"));
            }
        }
    }
    assert!(seen > 5000, "only {seen} callables were tried");
    none(wrong);
}

#[test]
fn gadgets_that_no_block_list_had() {
    let gadgets = [
        ("importlib", "import_module"),
        ("torch.hub", "load"),
        ("pandas", "read_pickle"),
        ("joblib", "load"),
        ("yaml", "unsafe_load"),
        ("_posixsubprocess", "fork_exec"),
        ("pkgutil", "resolve_name"),
        ("pip", "main"),
        ("_operator", "attrgetter"),
    ];
    for (module, name) in gadgets {
        assert_eq!(outcome(&global(module, name)), Outcome::Malicious, "{module}.{name}");
    }
}

#[test]
fn a_name_that_is_imported_and_thrown_away() {
    for (import, rule) in [
        ("cos\nsystem\n", "MW1101"),
        ("V\\u006fs\nVsystem\n\u{93}", "MW1101"),
        ("cmine\nModel\n", "MW1103"),
        ("Vmine\nVModel\n\u{93}", "MW1103"),
    ] {
        let import = import.chars().map(|c| c as u8).collect::<Vec<_>>();
        for protocol in 2..=5 {
            for around in [[&b""[..], b"0N."], [b"(", b"1N."], [b"N", b"00N."], [b"]", b"0."]] {
                let bytes = [&[0x80, protocol], around[0], &import, around[1]].concat();
                assert!(breaks(&bytes, rule), "{rule}: {}", bytes.escape_ascii());
            }
        }
    }
    assert!(breaks(b"(ios\nsystem\n0N.", "MW1101"));
    assert!(breaks(b"(imine\nModel\n0N.", "MW1102"), "INST calls what it imports");
}

#[test]
fn other_names_of_the_same_function() {
    for (module, name) in [
        ("posix", "system"),
        ("nt", "system"),
        ("__builtin__", "eval"),
        ("builtins", "exec"),
        ("_io", "open"),
        ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
        ("asyncio.subprocess", "create_subprocess_shell"),
        ("torch._inductor.codecache", "compile_file"),
        ("pip._internal", "main"),
        ("pip", "main"),
        ("pkgutil", "resolve_name"),
        ("_operator", "methodcaller"),
        ("commands", "getoutput"),
    ] {
        // The names of Python 2 are mapped up to protocol 2, and are no modules behind it.
        let protocols = if module == "__builtin__" { 2..=2 } else { 2..=5 };
        for protocol in protocols {
            let bytes = call(protocol, false, module, name);
            assert_eq!(outcome(&bytes), Outcome::Malicious, "{module}.{name} in {protocol}");
        }
    }
}
