//! Files that a loader would run and that were once called clean. Each was found by reading the
//! code against CPython, torch and joblib; nothing here is ever loaded.

use modelward_core::{Outcome, Place};
use modelward_scan::{Context, examine};

/// Pops what lies on the stack, and calls.
const CALL: &[u8] = b"0cos\nsystem\n(S'id'\ntR.";

fn outcome(parts: &[&[u8]]) -> Outcome {
    let bytes = parts.concat();
    examine(&Place::file("sample"), &bytes.as_slice().into(), &Context::default()).outcome()
}

fn denied(parts: &[&[u8]]) {
    let found = outcome(parts);
    assert!(found > Outcome::Unread, "{found:?}: {}", parts.concat().escape_ascii());
}

#[test]
fn numbers_are_read_as_generously_as_python_reads_them() {
    let numbers: [&[u8]; 8] = [
        b"I0X1F\n",
        b"I1\0z\n",
        b"F1_0\n",
        b"F1\0z\n",
        b"Np-0\n",
        b"Np0\n0g0\0z\n",
        b"L4 L\n",
        b"Np99999999999999999999999999999999999999999\n",
    ];
    for number in numbers {
        denied(&[number, CALL]);
    }
}

#[test]
fn a_state_that_is_called_is_no_text() {
    let set = b"cos\npath\n(S'__setstate__'\ncos\nsystem\ndbS'id'\n";
    denied(&[set, b"b.x\n"]);
    denied(&[set, b"b0cthis\n!!\n."]);
    denied(&[b"cthis\n# Title\n\nSome text.\n"]);
    assert_eq!(outcome(&[b"cnt\n12\n7\n"]), Outcome::Clean, "a column of numbers");
}

#[test]
fn an_empty_model_is_no_harmless_model() {
    let of =
        |name: &str| examine(&Place::file(name), &[][..].into(), &Context::default()).outcome();
    assert_eq!(of("model.safetensors"), Outcome::Unread);
    assert_eq!(of("__init__.py"), Outcome::Clean);
}

/// Each link of these chains is a listed name: what they lean on is hashed, formatted, or called.
#[test]
fn listed_names_make_no_chain() {
    let clean: [&[u8]; 3] = [
        b"\x80\x02cfunctools\npartial\nctorch.nn.modules.normalization\nLayerNorm\n\x85R(ctorch.nn.modules.normalization\nLayerNorm\n)}U\x03epsK\x01sNtb.",
        b"\x80\x02csklearn.linear_model._base\nLinearRegression\n)\x81}U\x10_sklearn_versionU\x031.5sb.",
        b"\x80\x02}ctorch\nfloat32\nNs.",
    ];
    for bytes in clean {
        assert_eq!(outcome(&[bytes]), Outcome::Clean, "{}", bytes.escape_ascii());
    }
    let chains: [&[u8]; 11] = [
        b"\x80\x02cfunctools\npartial\n(cnumpy\nmemmap\nU\x02/xU\x02u1U\x02w+tR.",
        b"\x80\x02cfunctools\npartial\n(cbuiltins\nmax\ncsklearn.pipeline\nPipeline\n)\x81tR.",
        b"\x80\x02cfunctools\npartial\ncbuiltins\nmax\n\x85R(cbuiltins\nmax\n)}U\x03keycsklearn.pipeline\nPipeline\n)\x81sNtb.",
        b"\x80\x02csklearn.linear_model._base\nLinearRegression\n)\x81}U\x10_sklearn_version]sb.",
        b"\x80\x02}cpandas.core.dtypes.dtypes\nSparseDtype\n)\x81Ns.",
        b"\x80\x02}cbuiltins\ntuple\n]cpandas.core.dtypes.dtypes\nSparseDtype\n)\x81a\x85RNs.",
        b"\x80\x02ccollections\nCounter\n]cpandas.core.dtypes.dtypes\nSparseDtype\n)\x81a\x85R.",
        b"\x80\x02ccopy_reg\n_reconstructor\n(ccollections\nOrderedDict\nc__builtin__\ndict\n]cpandas.core.dtypes.dtypes\nSparseDtype\n)\x81K\x01\x86atR.",
        // What was judged grows afterwards.
        b"\x80\x02cfunctools\npartial\ncbuiltins\nsorted\n\x85R(cbuiltins\nsorted\n)}q\x01Ntb0h\x01U\x03keycsklearn.pipeline\nPipeline\n)\x81s.",
        // Its own item answers where `append` is looked up.
        b"\x80\x02csklearn.utils._bunch\nBunch\n)\x81U\x06appendK\x01sK\x02a.",
        b"\x80\x02cbuiltins\nset\n]cpandas.core.dtypes.dtypes\nSparseDtype\n)\x81K\x01\x86a\x85R.",
    ];
    for bytes in chains {
        denied(&[bytes]);
    }
}

#[test]
fn a_number_that_c_takes_for_octal_is_no_offset() {
    let dtype = |offset: &[u8]| {
        [
            &b"\x80\x02cnumpy\ndtype\nU\x04V200K\0K\x01\x87R(K\x03U\x01|NU\x01a\x85}U\x01acnumpy\ndtype\n"[..],
            b"U\x02O8K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb",
            offset,
            b"\x86sI200\nK\x01K\x1btb.",
        ]
        .concat()
    };
    assert_eq!(outcome(&[&dtype(b"I192\n")]), Outcome::Clean);
    denied(&[&dtype(b"I0192\n")]);
}

#[test]
fn long_lines_hide_nothing_and_are_no_fault() {
    let long = [b'a'; 70_000];
    denied(&[b"V", &long, b"\n", CALL]);
    denied(&[b"S'", &long, b"'\n", CALL]);
    denied(&[b"Np", &[b' '; 70_000], b"0\n", CALL]);
    let array = [&b"c_codecs\nencode\n(V"[..], &long, b"\nVlatin1\ntR."];
    assert_eq!(outcome(&array), Outcome::Clean);
}

#[test]
fn a_stream_may_stop_with_marks_open() {
    denied(&[b"(N.c", &CALL[2..]]);
    let magic = b"\x80\x02(\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
    denied(&[magic, b"\x80\x02M\xe9\x03.\x80\x02}.\x80\x02N", CALL, b"\x80\x02]."]);
}

#[test]
fn a_folder_is_a_module_whatever_its_letters() {
    denied(&[b"clib-dynload\n__name__\n", CALL]);
    denied(&[b"clib-dynload\n__name__\n", &CALL[..CALL.len() - 1], b"\n"]);
    assert_eq!(outcome(&[b"cat\ncar\ncow\ncrab\n"]), Outcome::Clean);
}

#[test]
fn a_memo_slot_filled_before_its_turn_counts_once() {
    let slots = b"\x80\x04Nq\x05q\x00q\x01q\x02q\x03q\x04q\x050";
    let values = b"N\x940\x8c\x0bcollections\x940\x8c\x02os\x940\x8c\x0bOrderedDict\x940\x8c\x06system\x940)\x940\x8c\x02id\x85\x940";
    denied(&[slots, values, b"h\x08h\x0a\x93h\x0cR."]);
}

#[test]
fn what_torch_loads_again_is_read_whatever_it_begins_with() {
    let inner = [b"N", CALL].concat();
    let len = [u8::try_from(inner.len()).unwrap()];
    denied(&[b"\x80\x02ctorch.storage\n_load_from_bytes\nC", &len, &inner, b"\x85R."]);
}

#[test]
fn what_a_loader_makes_of_a_persistent_id_is_not_called() {
    let class = b"(X\x06\0\0\0modulectorch.nn.modules.linear\nLinear\nNNtQ";
    let load = b"(X\x06\0\0\0modulectorch.storage\n_load_from_bytes\nNNtQ";
    let computed = b"c_codecs\nencode\nX\x02\0\0\0N.X\x06\0\0\0latin1\x86R\x85R.";
    denied(&[b"\x80\x02", load, computed]);
    assert_eq!(outcome(&[b"\x80\x02", class, b")\x81."]), Outcome::Clean);
    denied(&[b"\x80\x02", class, b"}X\x01\0\0\0aK\x01sb."]);
}

/// A joblib wrapper of one array, with the state's `shape` and further entries, and the dtype.
fn joblib(state: &[u8], dtype: &[u8], behind: &[u8]) -> Vec<u8> {
    [
        &b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81\x94}(\x8c\x08subclasscnumpy\nndarray\n"[..],
        b"\x8c\x05order\x8c\x01C\x8c\x0aallow_mmap\x89\x8c\x05shape",
        state,
        b"\x8c\x05dtype",
        dtype,
        b"ub",
        behind,
    ]
    .concat()
}

#[test]
fn joblib_and_modelward_skip_the_same_bytes() {
    let byte = b"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
    let wide =
        b"cnumpy\ndtype\n\x8c\x02V8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\x10\0\0\0J\x01\0\0\0K\0tb";
    let short = b"cnumpy\ndtype\n\x8c\x01f\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
    let covered = |numbers: usize, more: usize| {
        let len = u8::try_from(more + CALL.len()).unwrap();
        [&vec![0; numbers][..], b"0C", &[len], &vec![0; more], CALL, b"."].concat()
    };
    denied(&[&joblib(b"K\x01\x85", wide, &covered(8, 5))]);
    denied(&[&joblib(b"](K\x10e", byte, &covered(1, 12))]);
    assert!(outcome(&[&joblib(b"K\x01\x85", short, &covered(1, 0))]) > Outcome::Clean);
}

#[test]
fn an_array_is_no_program_to_a_plain_reader() {
    let byte = b"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
    let body = [CALL, &[0; 64], b"."].concat();
    denied(&[&joblib(b"K\x40\x85", byte, &body)]);
    let zeros = [&[0; 64][..], b"."].concat();
    assert_eq!(outcome(&[&joblib(b"K\x40\x85", byte, &zeros)]), Outcome::Clean);
}

/// PyYAML makes the object in each of these; YAML 1.2 and its parser here do not see it in most.
#[test]
fn yaml_of_every_shape_shows_its_python_tags() {
    let call = "!!python/object/apply:os.system ['id']";
    let shapes: [(&str, &str); 16] = [
        ("a b c d: ", "\n"),
        ("? a\n: ", "\n"),
        ("&x\na: ", "\n"),
        ("f(x): ", "\n"),
        ("hello\n---\na: ", "\n"),
        ("--- &a ", ""),
        ("http://x: ", "\n"),
        ("a: 1 #\u{85}b: ", "\n"),
        ("# x\u{2028}b: ", "\n"),
        ("\u{feff}# c\na: ", "\n"),
        ("import os\r---\ra: ", "\r"),
        ("? ", "\n: 1\n"),
        ("a: ", "\nb: ]\n"),
        ("a: ", "\n---\nb: ]\n"),
        ("b: {]}\n---\na: ", "\n"),
        ("{{ x }}: ", "\n"),
    ];
    for (before, behind) in shapes {
        denied(&[before.as_bytes(), call.as_bytes(), behind.as_bytes()]);
    }
    let (open, close) = ("[".repeat(300), "]".repeat(300));
    denied(&[b"a: ", open.as_bytes(), call.as_bytes(), close.as_bytes()]);
    let long = vec![b'#'; 5 << 20];
    denied(&[b"x y z a: ", call.as_bytes(), b"\n", &long]);
    denied(&[&long, b"\nx y z a: ", call.as_bytes()]);
    let mentions: [&[u8]; 4] = [
        b"import yaml\nyaml.load('a: !!python/object/apply:os.system [id]')\n",
        b"# Safety\n\nThe tag !!python/object/apply is not read, nor `a: !!python/name:x`. It is.\n",
        b"{\"a\": \"b: !!python/object/apply:os.system [id]\"}",
        b"a: 'b: !!python/object/apply:os.system [id]'\n",
    ];
    for mention in mentions {
        assert_eq!(outcome(&[mention]), Outcome::Clean, "{}", mention.escape_ascii());
    }
    let long =
        [&b"{\"a\": \"b: !!python/name:x\", \"c\": \""[..], &[b'x'; 5 << 20], b"\"}"].concat();
    assert_eq!(outcome(&[&long]), Outcome::Clean, "a long JSON");
}

#[test]
fn a_template_in_yaml_of_any_shape_is_read_or_a_gap() {
    let template =
        br#"chat_template: "{{ ''.\x5f\x5fclass__.\x5f\x5fmro__[1].\x5f\x5fsubclasses__() }}""#;
    denied(&[template]);
    denied(&[b"a b c d e: 1\n", template]);
    denied(&[b"---\n", template, b"\n---\n# Card\n\n`code`: [x](y): z\n"]);
    denied(&[b"chat_template: !!binary e3sgJycuX19jbGFzc19fLl9fbXJvX19bMV0uX19zdWJjbGFzc2VzX18oKSB9fQ==\n"]);
    let padding = b"# padding\n".repeat(500_000);
    assert!(outcome(&[&padding, template]) > Outcome::Clean);
    assert_eq!(outcome(&[&padding, b"name: x\n"]), Outcome::Clean);
    assert_eq!(outcome(&[b"import os\n\nchat_template: str = 'a'\n"]), Outcome::Clean);
}

#[test]
fn templates_without_end_are_a_gap() {
    assert!(outcome(&[&b"{{ x }}".repeat(100_000)]) > Outcome::Clean);
    let many = [&b"["[..], &b"\"{{ x }}\", ".repeat(11_000), b"1]"].concat();
    assert!(outcome(&[&many]) > Outcome::Clean);
    let many = [&b"a: 1\nb:\n"[..], &b"- '{{ x }}'\n".repeat(11_000)].concat();
    assert!(outcome(&[&many]) > Outcome::Clean);
    assert_eq!(outcome(&[&b"{{ x }}".repeat(1000)]), Outcome::Clean);
}
