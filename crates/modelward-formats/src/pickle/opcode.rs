//! The 68 opcodes, protocols 0 to 5, and the shape of their arguments.
//!
//! Source: CPython's `pickletools.py`, PEP 307, PEP 3154, PEP 574.

/// How an opcode's argument is written behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// There is none.
    None,
    /// This many bytes of a number.
    Fixed(u8),
    /// Text up to a newline.
    Line,
    /// Two lines: module and name.
    TwoLines,
    /// A little-endian length of this many bytes, then so many bytes.
    Counted(u8),
}

/// The name and the argument of an opcode, or `None` where the byte is no opcode.
pub const fn describe(code: u8) -> Option<(&'static str, Argument)> {
    use Argument::{Counted, Fixed, Line, None as Nothing, TwoLines};
    Some(match code {
        MARK => ("MARK", Nothing),
        STOP => ("STOP", Nothing),
        POP => ("POP", Nothing),
        POP_MARK => ("POP_MARK", Nothing),
        DUP => ("DUP", Nothing),
        FLOAT => ("FLOAT", Line),
        INT => ("INT", Line),
        BININT => ("BININT", Fixed(4)),
        BININT1 => ("BININT1", Fixed(1)),
        LONG => ("LONG", Line),
        BININT2 => ("BININT2", Fixed(2)),
        NONE => ("NONE", Nothing),
        PERSID => ("PERSID", Line),
        BINPERSID => ("BINPERSID", Nothing),
        REDUCE => ("REDUCE", Nothing),
        STRING => ("STRING", Line),
        BINSTRING => ("BINSTRING", Counted(4)),
        SHORT_BINSTRING => ("SHORT_BINSTRING", Counted(1)),
        UNICODE => ("UNICODE", Line),
        BINUNICODE => ("BINUNICODE", Counted(4)),
        APPEND => ("APPEND", Nothing),
        BUILD => ("BUILD", Nothing),
        GLOBAL => ("GLOBAL", TwoLines),
        DICT => ("DICT", Nothing),
        EMPTY_DICT => ("EMPTY_DICT", Nothing),
        APPENDS => ("APPENDS", Nothing),
        GET => ("GET", Line),
        BINGET => ("BINGET", Fixed(1)),
        INST => ("INST", TwoLines),
        LONG_BINGET => ("LONG_BINGET", Fixed(4)),
        LIST => ("LIST", Nothing),
        EMPTY_LIST => ("EMPTY_LIST", Nothing),
        OBJ => ("OBJ", Nothing),
        PUT => ("PUT", Line),
        BINPUT => ("BINPUT", Fixed(1)),
        LONG_BINPUT => ("LONG_BINPUT", Fixed(4)),
        SETITEM => ("SETITEM", Nothing),
        TUPLE => ("TUPLE", Nothing),
        EMPTY_TUPLE => ("EMPTY_TUPLE", Nothing),
        SETITEMS => ("SETITEMS", Nothing),
        BINFLOAT => ("BINFLOAT", Fixed(8)),
        PROTO => ("PROTO", Fixed(1)),
        NEWOBJ => ("NEWOBJ", Nothing),
        EXT1 => ("EXT1", Fixed(1)),
        EXT2 => ("EXT2", Fixed(2)),
        EXT4 => ("EXT4", Fixed(4)),
        TUPLE1 => ("TUPLE1", Nothing),
        TUPLE2 => ("TUPLE2", Nothing),
        TUPLE3 => ("TUPLE3", Nothing),
        NEWTRUE => ("NEWTRUE", Nothing),
        NEWFALSE => ("NEWFALSE", Nothing),
        LONG1 => ("LONG1", Counted(1)),
        LONG4 => ("LONG4", Counted(4)),
        BINBYTES => ("BINBYTES", Counted(4)),
        SHORT_BINBYTES => ("SHORT_BINBYTES", Counted(1)),
        SHORT_BINUNICODE => ("SHORT_BINUNICODE", Counted(1)),
        BINUNICODE8 => ("BINUNICODE8", Counted(8)),
        BINBYTES8 => ("BINBYTES8", Counted(8)),
        EMPTY_SET => ("EMPTY_SET", Nothing),
        ADDITEMS => ("ADDITEMS", Nothing),
        FROZENSET => ("FROZENSET", Nothing),
        NEWOBJ_EX => ("NEWOBJ_EX", Nothing),
        STACK_GLOBAL => ("STACK_GLOBAL", Nothing),
        MEMOIZE => ("MEMOIZE", Nothing),
        FRAME => ("FRAME", Fixed(8)),
        BYTEARRAY8 => ("BYTEARRAY8", Counted(8)),
        NEXT_BUFFER => ("NEXT_BUFFER", Nothing),
        READONLY_BUFFER => ("READONLY_BUFFER", Nothing),
        _ => return None,
    })
}

/// The opcodes of the stream that `bytes` begin with, each with its offset, up to STOP or to the
/// first that is unknown or lacks its argument. Nothing is run: what `pickletools.genops` gives.
pub fn list(bytes: &[u8]) -> impl Iterator<Item = (u64, u8)> {
    let (mut at, mut stopped) = (0_usize, false);
    std::iter::from_fn(move || {
        let (&code, rest) = bytes.get(at..).filter(|_| !stopped)?.split_first()?;
        let length = describe(code)?.1.length(rest)?;
        let here = u64::try_from(at).ok()?;
        at = at.checked_add(1)?.checked_add(length)?;
        stopped = code == STOP;
        Some((here, code))
    })
}

impl Argument {
    /// How many bytes an argument takes that `bytes` begin with; `None` where they end before it.
    fn length(self, bytes: &[u8]) -> Option<usize> {
        let line = |bytes: &[u8]| memchr::memchr(b'\n', bytes)?.checked_add(1);
        let length = match self {
            Self::None => 0,
            Self::Fixed(width) => usize::from(width),
            Self::Line => line(bytes)?,
            Self::TwoLines => {
                let first = line(bytes)?;
                first.checked_add(line(bytes.get(first..)?)?)?
            }
            Self::Counted(width) => {
                let count = bytes.get(..usize::from(width))?;
                let count = count.iter().rev().try_fold(0_usize, |count, &byte| {
                    count.checked_mul(256)?.checked_add(usize::from(byte))
                })?;
                usize::from(width).checked_add(count)?
            }
        };
        (length <= bytes.len()).then_some(length)
    }
}

macro_rules! opcodes {
    ($($name:ident = $code:expr;)*) => { $(
        #[allow(missing_docs)]
        pub const $name: u8 = $code;
    )* };
}

opcodes! {
    MARK = b'(';
    STOP = b'.';
    POP = b'0';
    POP_MARK = b'1';
    DUP = b'2';
    FLOAT = b'F';
    INT = b'I';
    BININT = b'J';
    BININT1 = b'K';
    LONG = b'L';
    BININT2 = b'M';
    NONE = b'N';
    PERSID = b'P';
    BINPERSID = b'Q';
    REDUCE = b'R';
    STRING = b'S';
    BINSTRING = b'T';
    SHORT_BINSTRING = b'U';
    UNICODE = b'V';
    BINUNICODE = b'X';
    APPEND = b'a';
    BUILD = b'b';
    GLOBAL = b'c';
    DICT = b'd';
    EMPTY_DICT = b'}';
    APPENDS = b'e';
    GET = b'g';
    BINGET = b'h';
    INST = b'i';
    LONG_BINGET = b'j';
    LIST = b'l';
    EMPTY_LIST = b']';
    OBJ = b'o';
    PUT = b'p';
    BINPUT = b'q';
    LONG_BINPUT = b'r';
    SETITEM = b's';
    TUPLE = b't';
    EMPTY_TUPLE = b')';
    SETITEMS = b'u';
    BINFLOAT = b'G';
    PROTO = 0x80;
    NEWOBJ = 0x81;
    EXT1 = 0x82;
    EXT2 = 0x83;
    EXT4 = 0x84;
    TUPLE1 = 0x85;
    TUPLE2 = 0x86;
    TUPLE3 = 0x87;
    NEWTRUE = 0x88;
    NEWFALSE = 0x89;
    LONG1 = 0x8a;
    LONG4 = 0x8b;
    BINBYTES = b'B';
    SHORT_BINBYTES = b'C';
    SHORT_BINUNICODE = 0x8c;
    BINUNICODE8 = 0x8d;
    BINBYTES8 = 0x8e;
    EMPTY_SET = 0x8f;
    ADDITEMS = 0x90;
    FROZENSET = 0x91;
    NEWOBJ_EX = 0x92;
    STACK_GLOBAL = 0x93;
    MEMOIZE = 0x94;
    FRAME = 0x95;
    BYTEARRAY8 = 0x96;
    NEXT_BUFFER = 0x97;
    READONLY_BUFFER = 0x98;
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_68_opcodes() {
        assert_eq!((0..=255).filter(|&code| super::describe(code).is_some()).count(), 68);
    }
}
