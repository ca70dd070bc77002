//! What libraries write and was once called bad, each beside a neighbour that must stay so.

use modelward_core::{AllowedName, Outcome, Place};
use modelward_formats::Limits;
use modelward_scan::{Context, examine};

fn under(bytes: &[u8], names: &[&str]) -> Outcome {
    let allowed = |entry: &&str| AllowedName { entry: (*entry).into(), reason: "a test".into() };
    let names = names.iter().map(allowed).collect::<Vec<_>>();
    let context = Context::new(Limits::default(), &names);
    examine(&Place::file("sample"), &bytes.into(), &context).outcome()
}

#[track_caller]
fn clean(bytes: &[u8]) {
    assert_eq!(under(bytes, &[]), Outcome::Clean, "{}", bytes.escape_ascii());
}

#[track_caller]
fn denied(bytes: &[u8]) {
    assert!(under(bytes, &[]) > Outcome::Unread, "{}", bytes.escape_ascii());
}

#[test]
fn a_checkpoint_in_text_is_read_as_the_bytes_that_it_stands_for() {
    // A dict, and a call; the length of a frame is 0x80 and up, two bytes each as UTF-8.
    let silent = "\u{80}\u{2}}X\u{4}\0\0\0\u{e9}\u{e9}ab0.";
    let fires = "\u{80}\u{2}cos\nsystem\nX\u{2}\0\0\0id\u{85}R.";
    let wrap = |text: &str, codec: &str| {
        let mut out = b"\x80\x02ctorch.storage\n_load_from_bytes\nc_codecs\nencode\nX".to_vec();
        out.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        out.extend(text.as_bytes());
        out.push(b'X');
        out.extend(u32::try_from(codec.len()).unwrap().to_le_bytes());
        out.extend(codec.as_bytes());
        out.extend(b"\x86R\x85R.");
        out
    };
    clean(&wrap(silent, "latin1"));
    denied(&wrap(fires, "latin1"));
    denied(&wrap(silent, "utf-8"));
    // Protocol 0 escapes a few characters.
    let escaped = |line: &[u8]| {
        let head = b"ctorch.storage\n_load_from_bytes\n(c_codecs\nencode\n(V";
        [head, line, b"\nVlatin1\ntRtR."].concat()
    };
    clean(&escaped(b"\x80\x02N."));
    denied(&escaped(b"\x80\x02c\\u006fs\\u000asystem\\u000a(X\x02\\u0000\\u0000\\u0000idtR."));
    // What is no byte stops the loader, and is not read.
    assert_eq!(under(&wrap("\u{100}N.", "latin1"), &[]), Outcome::Unread);
    // A later use of the same text as it is does not hide what was loaded before.
    let memo = |text: &str| {
        let mut out = wrap(text, "latin1");
        out.truncate(out.len() - 1);
        let at = out.windows(2).position(|pair| pair == b".X").unwrap() + 1;
        out.insert(at, b'q');
        out.insert(at + 1, 0);
        out.extend(b"0ctorch.storage\n_load_from_bytes\nh\0\x85R.");
        out
    };
    denied(&memo(fires));
}

#[test]
fn a_method_of_a_class_by_getattr_is_right_where_its_dotted_name_is_listed() {
    let method = |name: &str| {
        let class = b"c__builtin__\ngetattr\n(cscipy.interpolate._interpolate\ninterp1d\nV";
        [class, name.as_bytes(), b"\ntR."].concat()
    };
    clean(&method("_call_linear_np"));
    denied(&method("_set_y"));
    denied(&method("__init__"));
    let called = method("_call_linear_np");
    denied(&[&called[..called.len() - 1], b"(tR."].concat());
}

#[test]
fn a_layout_in_memory_by_its_dotted_name() {
    clean(b"\x80\x04\x8c\x0ctorch._utils\x8c\x13torch.channels_last\x93.");
    denied(b"\x80\x04\x8c\x0ctorch._utils\x8c\x0ftorch.os.system\x93.");
    denied(b"\x80\x04\x8c\x0ctorch._utils\x8c\x0atorch.load\x93.");
}

#[test]
fn a_subarray_of_objects_has_all_flags_of_an_object() {
    // The dtype of `np.dtype(("O", (2,)))`, by its flags, and the one of a record around it.
    let subarray = |flags: u8| {
        format!(
            "cnumpy\ndtype\n(VV16\nI00\nI01\ntR(I3\nV|\n(cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\n\
             NNNI-1\nI-1\nI63\ntb(I2\nttNNI16\nI8\nI{flags}\ntb"
        )
    };
    let record = |flags: u8| {
        let field = subarray(63);
        format!(
            "cnumpy\ndtype\n(VV16\nI00\nI01\ntR(I3\nV|\nN(Vs\nt}}Vs\n({field}I0\ntsI16\nI1\nI{flags}\ntb."
        )
    };
    clean(format!("{}.", subarray(63)).as_bytes());
    clean(record(27).as_bytes());
    for wrong in [0, 8, 27, 62] {
        denied(format!("{}.", subarray(wrong)).as_bytes());
    }
    denied(record(63).as_bytes());
    denied(record(0).as_bytes());
}

/// An array of one element of this dtype, and what comes after it.
fn array(dtype: &str, shape: &str, data: &str, after: &str) -> String {
    format!(
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt\
         c_codecs\nencode\n(Vb\nVlatin1\ntRtR(I1\n({shape}t{dtype}I00\n{data}tb0{after}N."
    )
}

#[test]
fn a_dtype_has_one_state_and_has_it_before_it_is_used() {
    let made = |code: &str| format!("cnumpy\ndtype\n(V{code}\nI00\nI01\ntR");
    let object = format!("{}(I3\nV|\nNNNI-1\nI-1\nI63\ntb", made("O8"));
    let raw = "(I3\nV|\nNNNI8\nI1\nI0\ntb";
    let record = format!("(I3\nV|\nN(Va\nt}}Va\n({object}I0\ntsI8\nI1\nI27\ntb0");
    let kept = format!("{}{raw}p5\n", made("V8"));
    clean(array(&kept, "I1\n", "Vaaaaaaaa\n", "").as_bytes());
    denied(array(&kept, "I1\n", "Vaaaaaaaa\n", &format!("g5\n{record}")).as_bytes());
    // Its first state, after it was used; as the dtype of a field.
    let bare = format!("{}p5\n", made("V8"));
    denied(array(&bare, "I1\n", "Vaaaaaaaa\n", &format!("g5\n{record}")).as_bytes());
    let field = format!("{}(I3\nV|\nN(Va\nt}}Va\n({bare}I0\ntsI8\nI1\nI16\ntb", made("V8"));
    denied(array(&field, "I1\n", "Vaaaaaaaa\n", &format!("g5\n{record}")).as_bytes());
}

#[test]
fn the_state_of_a_dtype_is_as_numpy_writes_it() {
    let dtype = |code: &str, state: &str| {
        format!("cnumpy\ndtype\n(V{code}\nI00\nI01\ntR({state}tb.").into_bytes()
    };
    clean(&dtype("O8", "I3\nV|\nNNNI-1\nI-1\nI63\n"));
    clean(&dtype("O8", "I2\nV|\nNNNI-1\nI-1\n"));
    clean(&dtype("int64", "I3\nV<\nNNNI8\nI8\nI0\n"));
    clean(&dtype(
        "M8",
        "I4\nV<\nNNNI-1\nI-1\nI0\n(}(c_codecs\nencode\n(Vns\nVlatin1\ntRI1\nI1\nI1\ntt",
    ));
    for (code, state) in [
        ("O8", "I3\nV|\nNNNI-1\nI-1\n"),
        ("O8", "I4\nV|\nNNNI-1\nI-1\n"),
        ("O8", "I3\nV|\nNNNI0\nI1\nI63\n"),
        ("int64", "I3\nV<\nNNNI0\nI1\nI0\n"),
        ("V8", "I3\nV|\nNNNI-1\nI1\nI0\n"),
        ("V8", "I3\nV|\nNNNI8\nI0\nI0\n"),
        ("V8", "I3\nV|\nN(Va\ntNI8\nI1\nI0\n"),
        ("M8", "I3\nV<\nNNNI-1\nI-1\nI0\n"),
        ("M8", "I4\nV<\nNNNI-1\nI-1\nI0\nN"),
    ] {
        denied(&dtype(code, state));
    }
}

#[test]
fn a_list_fills_its_array() {
    let object = "cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI63\ntb";
    let of = |shape: &str, items: usize| {
        array(object, shape, &format!("({}l", "I1\n".repeat(items)), "").into_bytes()
    };
    clean(&of("I2\nI3\n", 6));
    clean(&of("I3000\n", 3000));
    clean(&of("I0\n", 0));
    denied(&of("I2\nI3\n", 5));
    denied(&of("I3000\n", 2999));
    denied(&of("I-1\n", 1));
    denied(&of("I4294967296\nI4294967296\n", 0));
}

#[test]
fn a_matrix_behind_joblib() {
    let wrapper = |subclass: &str| {
        let head = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x08\0\0\0subclassc";
        let rest =
            b"X\x05\0\0\0orderX\x01\0\0\0CX\x0a\0\0\0allow_mmap\x88X\x05\0\0\0shapeK\x01\x85\
            X\x05\0\0\0dtypecnumpy\ndtype\nX\x02\0\0\0u1K\0K\x01\x87R(K\x03X\x01\0\0\0|NNN\
            J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbub\x07.";
        [&head[..], subclass.as_bytes(), rest].concat()
    };
    for class in [
        "numpy\nndarray\n",
        "numpy.matrixlib.defmatrix\nmatrix\n",
        "numpy.core.defchararray\nchararray\n",
        "numpy._core.defchararray\nchararray\n",
    ] {
        clean(&wrapper(class));
    }
    denied(&wrapper("collections\nOrderedDict\n"));
    denied(&wrapper("os\nsystem\n"));
}

#[test]
fn a_policy_widens_a_name_that_is_listed() {
    let state = b"ccollections\nOrderedDict\n)R(I1\nI2\ntb.";
    let entry = "collections OrderedDict : state (int, int)";
    denied(state);
    assert_eq!(under(state, &[entry]), Outcome::Clean);
    // What ships stands beside it: items, and attributes by a state.
    let shipped = b"ccollections\nOrderedDict\n)R}Va\nI1\nsb.";
    assert_eq!(under(shipped, &[entry]), Outcome::Clean);
    let member = b"cbuiltins\ngetattr\n(carray\narray\nVtypecodes\ntR.";
    denied(member);
    assert_eq!(under(member, &["builtins getattr : call (of array.array, text)"]), Outcome::Clean);
    assert!(under(b"cos\nsystem\n(Vid\ntR.", &[entry]) > Outcome::Unread);
}

/// Listed names, used as their libraries use them, and a neighbour of each that stays refused.
#[test]
fn names_of_libraries_and_what_stands_beside_them() {
    let tensor = "ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI4\ntQI0\n(I2\nt(I1\nt\
                  I00\nccollections\nOrderedDict\n)RtR";
    let int = "cpyarrow.lib\ntype_for_alias\n(Vint64\ntR";
    let field = format!("cpyarrow.lib\nfield\n(Va\n{int}I01\nNtR");
    let time = "cdatetime\ntime\n(I9\nI0\ntR";
    let delta = "cdatetime\ntimedelta\n(I1\ntR";
    let module = "ctorch.nn.modules.linear\nLazyLinear\n";
    let dcp = "ctorch.distributed.checkpoint.metadata\n";
    let array = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt\
                 c_codecs\nencode\n(Vb\nVlatin1\ntRtR";
    let pairs: Vec<(String, String)> = [
        (
            format!("ctorch.nn.utils.rnn\nPackedSequence\n({tensor}{tensor}NNtR"),
            format!("ctorch.nn.utils.rnn\nPackedSequence\n({tensor}ccollections\nOrderedDict\n)RNNtR"),
        ),
        (
            "ctorch.nn.parameter\nUninitializedParameter\n(I01\ntR".into(),
            "ctorch.nn.parameter\nUninitializedParameter\n(I01\nVcuda\ntR".into(),
        ),
        (
            format!("ctorch.return_types\nmax\n(({tensor}{tensor}t}}tR"),
            "ctorch.return_types\nmax\n((I1\nt}tR".into(),
        ),
        (
            "ctorch.utils.hooks\nRemovableHandle\n)~(NI3\n)tb".into(),
            "ctorch.utils.hooks\nRemovableHandle\n)~}Vremove\ncnumpy\nmean\nsb".into(),
        ),
        (
            format!("ctorch.nn.modules.module\n_WrappedHook\n)~}}(Vhook\nc__builtin__\ngetattr\n({module})~\
                     V_infer_parameters\ntRVwith_module\nI00\nub"),
            format!("c__builtin__\ngetattr\n({module})~Vcls_to_become\ntR"),
        ),
        (
            format!("{dcp}MetadataIndex\n)~}}(Vfqn\nVw\nVoffset\nNub"),
            format!("{dcp}MetadataIndex\n)~}}Vfqn\ncargparse\nNamespace\n)~sb"),
        ),
        (
            format!("{dcp}TensorProperties\n)~(ctorch\nfloat32\nctorch\nstrided\nI00\n{dcp}_MEM_FORMAT_ENCODING\n(I0\ntRI00\ntb"),
            format!("{dcp}TensorProperties\n)~(ctorch\nfloat32\nctorch\nstrided\nI00\ncargparse\nNamespace\n)~I00\ntb"),
        ),
        (
            "ctorch.optim\nMuon\n)~}Vdefaults\n}sb".into(),
            "ctorch.optim\nMuon\n)~}V_patch_step_function\ncnumpy\nmean\nsb".into(),
        ),
        (
            format!("cscipy.spatial.transform._rotation\nRotation\n)~({array}I00\ntb"),
            "cscipy.spatial.transform._rotation\nRotation\n)~(cargparse\nNamespace\n)~I00\ntb".into(),
        ),
        (
            "csklearn._loss._loss\n__pyx_unpickle_CyHalfMultinomialLoss\n(csklearn._loss._loss\nCyHalfMultinomialLoss\nI7\n)tR".into(),
            "csklearn._loss._loss\n__pyx_unpickle_CyHalfMultinomialLoss\n(ccollections\nOrderedDict\nI7\n)tR".into(),
        ),
        (
            "clightgbm.engine\nCVBooster\n)~}(Vboosters\n(lVbest_iteration\nI3\nub".into(),
            "clightgbm.engine\nCVBooster\n)~}Vboosters\n(lcargparse\nNamespace\n)~asb".into(),
        ),
        (
            "cipaddress\nIPv4Address\n(I16909060\ntR".into(),
            "cipaddress\nIPv4Network\n(ccollections\nOrderedDict\n)RtR".into(),
        ),
        (
            "cdecimal\nContext\n(I28\nVROUND_HALF_EVEN\nI-9\nI9\nI1\nI0\n(l(lcdecimal\nOverflow\natR".into(),
            "cdecimal\nContext\n(I28\nVROUND_HALF_EVEN\nI-9\nI9\nI1\nI0\n(l(lcos\nsystem\natR".into(),
        ),
        (
            "ccopy_reg\n_reconstructor\n(curllib.parse\nParseResult\nc__builtin__\ntuple\n\
             (Vhttp\nVa\nV/\nV\nV\nV\nttR".into(),
            "ccopy_reg\n_reconstructor\n(curllib.parse\nParseResult\nc__builtin__\ntuple\n(cos\nsystem\nttR".into(),
        ),
        ("cre\nRegexFlag\n(I2\ntR".into(), "cre\nScanner\n(I2\ntR".into()),
        ("carray\narray\n(Vu\n(lVa\natR".into(), "carray\narray\n(Vu\n(lcos\nsystem\natR".into()),
        ("ccollections\nUserString\n(Va\ntR".into(), "ccollections\nUserString\n(cos\nsystem\ntR".into()),
        (
            format!("cpyarrow.lib\nstruct\n((l{field}atR"),
            "cpyarrow.lib\nstruct\n((lcargparse\nNamespace\n)~atR".into(),
        ),
        (
            "cpyarrow.lib\ntimestamp\n(Vns\nVUTC\ntR".into(),
            "cpyarrow.lib\ntimestamp\n(Vns\ncargparse\nNamespace\n)~tR".into(),
        ),
        (
            format!("cpandas._libs.tslibs.offsets\nBusinessHour\n(I1\nI00\n({time}t({time}t{delta}tR"),
            "cpandas._libs.tslibs.offsets\nBusinessHour\n(I1\nI00\ncargparse\nNamespace\n)~tR".into(),
        ),
        (
            format!("cpandas._libs.tslibs.offsets\nCustomBusinessDay\n(I1\nI00\nVMon Tue\n)N{delta}tR"),
            format!("cpandas._libs.tslibs.offsets\nCustomBusinessDay\n(I1\nI00\nVMon Tue\n)cargparse\nNamespace\n)~{delta}tR"),
        ),
        (
            "cpandas\nDateOffset\n)R}(Vn\nI1\nVnormalize\nI00\nVdays\nI1\nub".into(),
            "cpandas\nDateOffset\n)R}(Voffset\nI1\nVkwds\ncargparse\nNamespace\n)~ub".into(),
        ),
        ("cdill._dill\n_load_type\n(Vslice\ntR".into(), "cdill._dill\n_load_type\n(VCodeType\ntR".into()),
        (
            "cfunctools\npartial\n(csklearn.utils.validation\ncheck_array\ntR".into(),
            "cfunctools\npartial\n(csklearn.utils.validation\ncheck_memory\ntR".into(),
        ),
        ("chttp\nHTTPStatus\n(I200\ntR".into(), "chttp.client\nHTTPConnection\n(Vx\ntR".into()),
        ("csocket\nAddressFamily\n(I2\ntR".into(), "csocket\nsocket\n(I2\ntR".into()),
        ("csignal\nSignals\n(I2\ntR".into(), "csignal\nalarm\n(I2\ntR".into()),
        ("cinspect\n_ParameterKind\n(I0\ntR".into(), "cinspect\ngetsource\n(I0\ntR".into()),
        ("cos\nterminal_size\n((I1\nI2\nt}tR".into(), "cos\nterminal_size\n(cos\nsystem\n}tR".into()),
        ("czipfile\nZipInfo\n)~(N}Vfilename\nVa\nstb".into(), "czipfile\nZipFile\n(Va\ntR".into()),
        ("ctarfile\nTarInfo\n)~(N}Vname\nVa\nstb".into(), "ctarfile\nTarFile\n(Va\ntR".into()),
        (
            "ctransformers.models.qwen3.modeling_qwen3\nQwen3ForCausalLM\n)~".into(),
            "ctransformers.models.qwen3.modeling_qwen3\nload\n)~".into(),
        ),
    ]
    .into();
    // NEWOBJ is no text.
    let program = |text: &str| {
        let bytes = text.bytes().map(|byte| if byte == b'~' { 0x81 } else { byte });
        [&b"\x80\x02"[..], &bytes.collect::<Vec<_>>(), b"."].concat()
    };
    let mut wrong = Vec::new();
    for (silent, fires) in &pairs {
        // The storage of a tensor lies in an archive, and here in none.
        if under(&program(silent), &[]) != Outcome::Clean {
            wrong.push(format!("refused: {silent:?}"));
        }
        if under(&program(fires), &[]) <= Outcome::Unread {
            wrong.push(format!("passed: {fires:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An array of pyarrow is believed by pandas while it loads: its buffers hold what it says.
#[test]
fn an_array_of_arrow_stays_inside_its_buffers() {
    let latin1 = |bytes: &[u8]| {
        let text = bytes.iter().map(|byte| format!("\\u00{byte:02x}")).collect::<String>();
        format!("cpyarrow.lib\npy_buffer\n(c_codecs\nencode\n(V{text}\nVlatin1\ntRtR")
    };
    let offsets = |all: &[i32]| {
        latin1(&all.iter().flat_map(|offset| offset.to_le_bytes()).collect::<Vec<_>>())
    };
    let array = |kind: &str, length: i64, nulls: i64, offset: i64, buffers: &[&str]| {
        let buffers = buffers.iter().map(|buffer| format!("{buffer}a")).collect::<String>();
        let kind = match kind.split_once(' ') {
            Some((kind, arguments)) => format!("cpyarrow.lib\n{kind}\n({arguments}tR"),
            None => format!("cpyarrow.lib\ntype_for_alias\n(V{kind}\ntR"),
        };
        let sizes = format!("I{length}\nI{nulls}\nI{offset}\n");
        format!("cpyarrow.lib\n_restore_array\n(({kind}{sizes}(l{buffers}(lNttR.")
    };
    // As protocols 0 to 2 write a bytearray.
    let written = |name: &str, text: &str| {
        format!("cpyarrow.lib\npy_buffer\n(c__builtin__\n{name}\n(V{text}\nVlatin-1\ntRtR")
    };
    let bits = |byte: u8| latin1(&[byte]);
    let abc = latin1(b"abc");
    let good = offsets(&[0, 1, 1, 3]);
    for fine in [
        array("string", 3, 0, 0, &["N", &good, &abc]),
        array("string", 3, 1, 0, &[&bits(0b101), &good, &abc]),
        array("string", 2, -1, 1, &[&bits(0b101), &good, &abc]),
        array("string", 0, 0, 0, &["N", "N", "N"]),
        array("large_string", 1, 0, 0, &["N", &offsets(&[0, 0, 3, 0]), &abc]),
        array("binary I-1\n", 3, 0, 0, &["N", &good, &abc]),
        array("binary I1\n", 3, 0, 0, &["N", &abc]),
        array("int8", 3, 0, 0, &["N", &abc]),
        array("bool", 8, 8, 0, &[&bits(0), &bits(1)]),
        array("timestamp Vns\n", 2, 0, 0, &["N", &good]),
        array("decimal128 I9\n", 1, 0, 0, &["N", &good]),
        array("int8", 0, 0, 0, &["N", "cpyarrow.lib\npy_buffer\n(c__builtin__\nbytearray\n)RtR"]),
        array("int8", 3, 0, 0, &["N", &written("bytearray", "abc")]),
        array(
            "int8",
            3,
            0,
            0,
            &[
                "N",
                &abc.replace("(c_codecs", "(c__builtin__\nbytearray\n(c_codecs")
                    .replace("tRtR", "tRtRtR"),
            ],
        ),
    ] {
        clean(fine.as_bytes());
    }
    for out in [
        array("string", 4, 0, 0, &["N", &good, &abc]),
        array("string", 3, 0, 1, &["N", &good, &abc]),
        array("string", 3, 0, 0, &["N", &good, &latin1(b"ab")]),
        array("string", 3, 0, 0, &["N", &good, "N"]),
        array("string", 3, 0, 0, &["N", "N", &abc]),
        array("string", 3, 0, 0, &["N", &offsets(&[0, 2, 1, 3]), &abc]),
        array("string", 3, 0, 0, &["N", &offsets(&[-1, 0, 1, 3]), &abc]),
        array(
            "string",
            3,
            0,
            0,
            &["N", &offsets(&[0, 0x4000_0000, 0x6000_0000, 0x7000_0000]), &abc],
        ),
        array("string", 3, 0, 0, &["N", &good]),
        array("string", 3, 2, 0, &[&bits(0b101), &good, &abc]),
        array("string", 3, 1, 0, &["N", &good, &abc]),
        array("string", -3, 0, 0, &["N", &good, &abc]),
        array("large_string", 3, 0, 0, &["N", &good, &abc]),
        array("int8", 4, 0, 0, &["N", &abc]),
        array("int8", i64::MAX, 0, 1, &["N", &abc]),
        array("int64", i64::MAX, 0, 0, &["N", &abc]),
        array("int8", 9, 0, 0, &[&bits(255), &latin1(b"0123456789")]),
        array("binary I2\n", 3, 0, 0, &["N", &abc]),
        array("decimal128 I9\n", 2, 0, 0, &["N", &good]),
        array("decimal128 I99\n", 1, 0, 0, &["N", &good]),
        array("string_view", 0, 0, 0, &["N", "N", "N"]),
        array(
            "int8",
            1,
            0,
            0,
            &["N", "cpyarrow.lib\npy_buffer\n(cpyarrow.lib\ntype_for_alias\n(Vint8\ntRtR"],
        ),
    ] {
        denied(out.as_bytes());
    }
}
