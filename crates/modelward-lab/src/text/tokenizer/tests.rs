use proptest::prelude::*;

use super::*;

/// Words and letters, in small letters, between `[CLS]` and `[SEP]`.
pub(crate) const VOCABULARY: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\npay\nnow\nplease\np\n##a\n##y\nhello\n";

fn tokens(bytes: &[u8], text: &str) -> Vec<u32> {
    Tokenizer::read(bytes, None).unwrap().tokens(text).unwrap().ids
}

#[test]
fn a_vocabulary_of_bert_is_read_as_bert_does() {
    let bytes = VOCABULARY.as_bytes();
    assert_eq!(tokens(bytes, "Please PAY now"), [2, 6, 4, 5, 3]);
    assert_eq!(tokens(bytes, "p\u{e1}y na\u{ef}ve"), [2, 4, 1, 3]);
    // Characters of the class Cf are taken out.
    assert_eq!(tokens(bytes, "pa\u{200b}y"), [2, 4, 3]);
    let tokenizer = Tokenizer::read(bytes, Some(4)).unwrap();
    assert_eq!((tokenizer.unknown(), tokenizer.padding().id), (Some(1), 0));
    let cut = tokenizer.tokens("please pay now").unwrap();
    assert_eq!((cut.ids, cut.cut), (vec![2, 6, 4, 3], true));
}

#[test]
fn every_kind_of_model_is_read() {
    let file = |model: Value, pre: Value| {
        json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
               "normalizer": null, "pre_tokenizer": pre, "post_processor": null, "decoder": null,
               "model": model})
        .to_string()
    };
    let whitespace = json!({"type": "Whitespace"});
    let level = json!({"type": "WordLevel", "vocab": {"a": 0, "b": 1, "?": 2}, "unk_token": "?"});
    assert_eq!(tokens(file(level, whitespace.clone()).as_bytes(), "a b c"), [0, 1, 2]);
    let bpe = json!({"type": "BPE", "dropout": 0.9, "unk_token": null,
        "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
        "vocab": {"a": 0, "b": 1, "\u{120}": 2, "ab": 3}, "merges": ["a b"]});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true});
    assert_eq!(tokens(file(bpe, bytes).as_bytes(), "ab b"), [2, 3, 2, 1]);
    let unigram = json!({"type": "Unigram", "unk_id": 0,
        "vocab": [["?", 0.0], ["\u{2581}", -1.0], ["a", -2.0], ["\u{2581}a", -1.5]]});
    let space = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always"});
    assert_eq!(tokens(file(unigram, space).as_bytes(), "a a"), [3, 3]);
}

#[test]
fn hostile_files_are_refused() {
    let wordlevel = json!({"type": "WordLevel", "vocab": {"a": 0, "?": 1}, "unk_token": "?"});
    let long = "a".repeat(5000);
    let replace = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaa"});
    for (file, words) in [
        (json!({}), "`model`"),
        (json!({"model": {"type": "Nothing"}}), "cannot be read"),
        (
            json!({"model": wordlevel, "normalizer":
            {"type": "Replace", "pattern": {"String": "a"}, "content": long}}),
            "times as long",
        ),
        (
            json!({"model": wordlevel, "normalizer":
            {"type": "Sequence", "normalizers": vec![replace; 5]}}),
            "times as long",
        ),
        (
            json!({"model": wordlevel, "padding": {"strategy": {"Fixed": 1_u64 << 40}, "pad_id": 0}}),
            "padding",
        ),
        (json!({"model": wordlevel, "truncation": {"max_length": 1_u64 << 40}}), "65536"),
        (
            json!({"model": {"type": "WordPiece", "vocab": {"a": 0, "##a": 1, "[UNK]": 2},
                "unk_token": "[UNK]", "max_input_chars_per_word": 1_000_000_000}}),
            "words of 1000000000 characters, over 1000",
        ),
        (
            json!({"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "a",
                "continuing_subword_prefix": long}}),
            "a `continuing_subword_prefix` of 5000",
        ),
        (
            json!({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [],
                "end_of_word_suffix": long}}),
            "a `end_of_word_suffix` of 5000",
        ),
        (
            json!({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0.0], [long, -1.0]]}}),
            "a piece of 5000",
        ),
    ] {
        let trouble = Tokenizer::read(file.to_string().as_bytes(), None).unwrap_err();
        assert!(trouble.to_string().contains(words), "{trouble}");
    }
    for bytes in [&b"\xff\xfe"[..], b"", b"{", b"word\nother\n"] {
        assert!(Tokenizer::read(bytes, None).is_err());
    }
    let deep = format!("{{\"model\":{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Tokenizer::read(deep.as_bytes(), None).is_err());
}

#[test]
fn pieces_are_for_tokenizers_that_part_words_at_spaces() {
    let of = |normalizer: Value, pre: Value, token: Value| {
        let file = json!({"normalizer": normalizer, "pre_tokenizer": pre, "added_tokens": [token]});
        Pieces::of(&file).is_some()
    };
    let bert = || json!({"type": "BertPreTokenizer"});
    let token = || json!({"content": "[SEP]", "lstrip": false});
    assert!(of(json!(null), bert(), token()));
    let both = json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]});
    assert!(of(both, bert(), token()));
    assert!(!of(json!({"type": "Prepend", "prepend": "_"}), bert(), token()));
    assert!(!of(json!({"type": "NFKC"}), bert(), token()));
    assert!(!of(json!(null), json!({"type": "ByteLevel"}), token()));
    assert!(!of(json!(null), json!(null), token()));
    assert!(!of(json!(null), bert(), json!({"content": "a b"})));
    assert!(!of(json!(null), bert(), json!({"content": "ab", "lstrip": true})));
}

proptest! {
    #[test]
    fn pieces_become_what_whole_texts_do(
        texts in prop::collection::vec(
            "([pay]{0,3}| |  |\t|\u{a0}|\u{200b}|\u{301}|\u{4e2d}|\u{130}|\u{3a3}|\\[SEP\\]|[,.']|\\PC){0,12}", 1..6),
        most in 2..24_usize,
        part in prop::sample::select(vec!["BertPreTokenizer", "Whitespace", "WhitespaceSplit"]))
    {
        let mut file = vocabulary::read(VOCABULARY.as_bytes()).unwrap();
        file["pre_tokenizer"] = json!({ "type": part });
        let own = Tokenizer::read(file.to_string().as_bytes(), Some(most)).unwrap();
        prop_assert!(own.pieces.is_some());
        let whole = Tokenizer { pieces: None, ..own.clone() };
        for text in &texts {
            prop_assert_eq!(own.tokens(text).unwrap(), whole.tokens(text).unwrap(), "{:?}", text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_part_of_a_file_may_be_something_else(
        part in prop::sample::select(vec!["normalizer", "pre_tokenizer", "post_processor", "model"]),
        kind in prop::sample::select(vec!["WordPiece", "BPE", "Unigram", "WordLevel", "Precompiled",
            "ByteLevel", "Split", "Metaspace", "TemplateProcessing", "BertProcessing", "Strip",
            "RobertaProcessing", "Punctuation", "Sequence", "FixedLength", "Digits"]),
        key in prop::sample::select(vec!["vocab", "merges", "unk_id", "unk_token", "single",
            "special_tokens", "precompiled_charsmap", "pattern", "content", "length", "sep", "cls",
            "max_input_chars_per_word", "strip_left"]),
        value in prop::sample::select(vec![json!(null), json!([]), json!({}), json!(""), json!("a b"),
            json!(7), json!(u64::MAX), json!({"a": u32::MAX}), json!([["a", -1.0]]),
            json!([["a", "b"]]), json!({"Regex": "(a+)+$"}), json!("AAAA")]),
        text in "\\PC{0,12}")
    {
        let mut file = json!({"version": "1.0", "added_tokens": [],
            "model": {"type": "WordPiece", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]",
                      "continuing_subword_prefix": "##", "max_input_chars_per_word": 9}});
        let own = json!({"type": kind, "behavior": "Isolated", "invert": false, key: value.clone()});
        file[part] = own;
        if part == "model" && key != "vocab" {
            file[part]["vocab"] = json!({"a": 0});
        }
        if let Ok(tokenizer) = Tokenizer::read(file.to_string().as_bytes(), None) {
            let _ = tokenizer.tokens(&text);
        }
    }
}
