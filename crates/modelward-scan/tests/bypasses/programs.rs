//! Ways by the program of the pickle itself: 11, 12, 15, and texts that are spelled oddly.

use modelward_core::Outcome;

use crate::{breaks, listed, none, outcome};

#[test]
fn a_memo_index_that_no_table_holds() {
    for put in [&b"r\xf0\xff\xff\x7f"[..], b"p2147483632\n", b"p99999999999999999\n"] {
        let bytes = [b"\x80\x02N", put, b"."].concat();
        assert!(breaks(&bytes, "MW1113"), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_list_that_doubles_forty_times() {
    for (open, twice) in [(&b"]"[..], &b"2\x86"[..]), (b"]", b"q\0h\0h\0\x86"), (b")", b"2\x86")] {
        let bytes = [b"\x80\x02", open, &twice.repeat(40), b"."].concat();
        assert!(breaks(&bytes, "MW1113"), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_long_tuple_that_is_handed_to_many_calls() {
    let tuple = [b"(".to_vec(), b"K\x01".repeat(100_000), b"tq\x000".to_vec()].concat();
    let calls = b"ctorch\nSize\nh\0\x85R0".repeat(2000);
    let bytes = [b"\x80\x02".to_vec(), tuple, calls, b"N.".to_vec()].concat();
    assert!(breaks(&bytes, "MW0107"));
}

/// A joblib file whose array of bytes is this; the name of a listed function lies in memo slot 0.
fn joblib(array: &[u8]) -> Vec<u8> {
    let len = u8::try_from(array.len()).unwrap();
    [
        &b"\x80\x03]c_codecs\nencode\nq\0X\x01\0\0\0aX\x06\0\0\0latin1\x86Ra"[..],
        b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x08\0\0\0subclasscnumpy\nndarray\n",
        b"X\x05\0\0\0shapeK",
        &[len],
        b"\x85X\x05\0\0\0orderX\x01\0\0\0CX\x05\0\0\0dtypecnumpy\ndtype\n",
        b"X\x02\0\0\0u1K\0K\x01\x87R(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
        b"X\x0a\0\0\0allow_mmap\x88ub",
        array,
        b"a.",
    ]
    .concat()
}

#[test]
fn an_array_of_joblib_that_a_plain_reader_runs() {
    let programs: [&[u8]; 5] = [
        b"cos\nsystem\nU\x02id\x85R",
        b"h\0U\x01aU\x03hex\x86R0\0\0\0\0",
        b"h\0}U\x01aNsb\0\0\0\0",
        b"h\0h\0\x85",
        b"0NNNNNN000000",
    ];
    for array in programs {
        assert!(breaks(&joblib(array), "MW1110"), "{}", array.escape_ascii());
    }
    let numbers: [&[u8]; 6] =
        [b"\0\x01\x02\x03", b"R", b"bbbb", b"0000000", b"tRtR", b"\x80\x3f\0\0\x80\x3f"];
    for array in numbers {
        assert_eq!(outcome(&joblib(array)), Outcome::Clean, "{}", array.escape_ascii());
    }
}

/// What stands before an opcode, the opcode with its argument, what stands behind it.
type Written = (&'static [u8], &'static [u8], &'static [u8]);

/// Every opcode that has an argument.
const OPCODES: &[Written] = &[
    (b"", b"F1.5\n", b"."),
    (b"", b"I12\n", b"."),
    (b"", b"J\x01\0\0\0", b"."),
    (b"", b"K\x01", b"."),
    (b"", b"L12L\n", b"."),
    (b"", b"M\x01\0", b"."),
    (b"", b"Pid\n", b"."),
    (b"", b"S'ab'\n", b"."),
    (b"", b"T\x02\0\0\0ab", b"."),
    (b"", b"U\x02ab", b"."),
    (b"", b"Vab\n", b"."),
    (b"", b"X\x02\0\0\0ab", b"."),
    (b"", b"ccollections\nOrderedDict\n", b"."),
    (b"Nq\0", b"g0\n", b"."),
    (b"Nq\0", b"h\0", b"."),
    (b"(", b"icollections\nOrderedDict\n", b"."),
    (b"Nq\0", b"j\0\0\0\0", b"."),
    (b"N", b"p0\n", b"."),
    (b"N", b"q\0", b"."),
    (b"N", b"r\0\0\0\0", b"."),
    (b"", b"G\0\0\0\0\0\0\0\0", b"."),
    (b"", b"\x80\x04", b"N."),
    (b"", b"\x82\x01", b"."),
    (b"", b"\x83\x01\0", b"."),
    (b"", b"\x84\x01\0\0\0", b"."),
    (b"", b"\x8a\x02ab", b"."),
    (b"", b"\x8b\x02\0\0\0ab", b"."),
    (b"", b"B\x02\0\0\0ab", b"."),
    (b"", b"C\x02ab", b"."),
    (b"", b"\x8c\x02ab", b"."),
    (b"", b"\x8d\x02\0\0\0\0\0\0\0ab", b"."),
    (b"", b"\x8e\x02\0\0\0\0\0\0\0ab", b"."),
    (b"", b"\x95\x02\0\0\0\0\0\0\0", b"N."),
    (b"", b"\x96\x02\0\0\0\0\0\0\0ab", b"."),
];

#[test]
fn a_frame_that_ends_at_each_byte_of_each_opcode() {
    let framed = |length: usize, written: &Written| {
        let length = u64::try_from(length).unwrap().to_le_bytes();
        let (before, opcode, behind) = written;
        [b"\x80\x04\x95", &length[..], before, opcode, behind].concat()
    };
    for written in OPCODES {
        let (before, opcode, _) = written;
        for inside in 1..opcode.len() {
            let bytes = framed(before.len() + inside, written);
            assert!(breaks(&bytes, "MW1110"), "{}", bytes.escape_ascii());
        }
        let bytes = framed(before.len() + opcode.len(), written);
        assert!(!breaks(&bytes, "MW1110"), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_state_with_dunder_keys_for_each_listed_class() {
    let states = [
        "}V__class__\ncbuiltins\nlist\ns",
        "}V__setstate__\ncbuiltins\nsum\ns",
        "}S'\\x5f_dict__'\n}s",
        "}V\\u005f\\u005freduce__\nNs",
        "(N}V__class__\nNst",
        "(}V__dict__\n}sNt",
        "}(Va\nNVb\nNV__init__\nNu",
    ];
    let mut wrong = Vec::new();
    for (module, name, kinds) in listed::entries() {
        if !kinds.split(", ").any(|kind| matches!(kind, "class" | "items")) {
            continue;
        }
        for state in states {
            let bytes = format!("c{module}\n{name}\n)\x01{state}b.").into_bytes();
            let bytes = bytes.iter().map(|&byte| if byte == 1 { 0x81 } else { byte });
            let bytes = [vec![0x80, 3], bytes.collect()].concat();
            if outcome(&bytes) != Outcome::Malicious {
                wrong.push(format!("{module} {name} {state:?}"));
            }
        }
    }
    none(wrong);
}

#[test]
fn a_state_for_a_class_or_a_module_itself() {
    for object in ["ccollections\nOrderedDict\n", "cnumpy\nndarray\n", "ctorch\nTensor\n"] {
        let bytes = format!("{object}}}Vx\nNsb.").into_bytes();
        assert!(breaks(&bytes, "MW1111"), "{object}");
    }
}

#[test]
fn a_key_that_is_spelled_by_escapes() {
    for key in [
        "S'extend'\n",
        "S'e\\x78tend'\n",
        "S'e\\170tend'\n",
        // Python keeps the low eight bits of an octal number.
        "S'e\\570tend'\n",
        "Ve\\u0078tend\n",
        "V\\U00000065\\u0078\\u0074\\u0065\\u006e\\u0064\n",
    ] {
        let bytes = format!("ccollections\nOrderedDict\n)R}}{key}cnumpy\nmean\nsb.");
        assert!(breaks(bytes.as_bytes(), "MW1111"), "{key}");
    }
}

#[test]
fn an_extension_code() {
    for code in [&b"\x82\x01"[..], b"\x83\x01\0", b"\x84\x01\0\0\0", b"\x84\xff\xff\xff\x7f"] {
        let bytes = [b"\x80\x02", code, b")R."].concat();
        assert!(breaks(&bytes, "MW1109") && outcome(&bytes) == Outcome::Malicious);
    }
}

#[test]
fn a_persistent_id_that_is_called_or_given_a_state() {
    // Torch's loader gives back the class of a module's id: whatever it is, it was imported.
    let id = "(Vmodule\ncnumpy\ndtype\nVfile\nVsource\ntQ";
    assert!(breaks(
        format!("{id}(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\ntb.").as_bytes(),
        "MW1111"
    ));
    assert!(breaks(format!("{id}(Vx\nVy\nVz\nVw\ntR.").as_bytes(), "MW1104"));
    assert!(breaks(format!("{id}(N}}Vx\nNstb.").as_bytes(), "MW1111"));
    assert_eq!(outcome(format!("{id}.").as_bytes()), Outcome::Clean);
    let id = id.replace("cnumpy\ndtype", "ctorch.storage\n_load_from_bytes");
    assert!(breaks(format!("{id}.").as_bytes(), "MW1116"));
}
