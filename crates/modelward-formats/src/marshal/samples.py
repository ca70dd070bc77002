"""Writes a line of samples.txt: the version of this Python, and a module in its marshal, in hex.

    for python in python2.7 python3.6 ... python3.13; do $python samples.py; done > samples.txt

With the argument `3.14`, writes that version's line by hand, with the numbers of its opcodes.
Nothing is executed but the compiler.
"""

import marshal
import struct
import sys
from binascii import hexlify

SOURCE = '''
import os
import os.path as where
from subprocess import call as start
def outer(path):
    def inner():
        return os.system("echo pwned"), path
    start(["true"])
    return inner, getattr(os, "popen")("id"), path[1:2] in ("deep", ("deeper", "deepest"))
shell = lambda: __import__("os").system("echo pwned")
class Model:
    def predict(self):
        return self.net.eval(1.5, 2j, 10 ** 30, None, where.join("a"))
'''


def by_hand():
    def text(value):
        return b"\xda" + bytes([len(value)]) + value

    def tuple_of(*items):
        return b"\xa9" + bytes([len(items)]) + b"".join(items)

    def blob(value):
        return b"\xf3" + struct.pack("<i", len(value)) + value

    attribute = bytes([80, 2]) + bytes(18)
    call = bytes([52, 1]) + bytes(6)
    code = bytes([128, 0, 94, 0, 82, 1, 73, 0, 116, 0, 93, 0]) + attribute
    code += bytes([33, 0, 82, 0]) + call + bytes([31, 0, 82, 1, 35, 0])
    slice_of = b"\xbai\1\0\0\0i\2\0\0\0N"
    constants = tuple_of(b"z\x0aecho pwned", b"N", slice_of)
    names = tuple_of(text(b"os"), text(b"system"))
    parts = [blob(code), constants, names, tuple_of(), blob(b""), text(b"m.py")]
    parts += [text(b"<module>"), b"r" + struct.pack("<i", 10)]
    return b"\xe3" + struct.pack("<5i", 0, 0, 0, 3, 0) + b"".join(parts) + struct.pack("<i", 1) + blob(b"") * 2


if sys.argv[1:] == ["3.14"]:
    version, sample = "3.14", by_hand()
else:
    version = "%d.%d" % sys.version_info[:2]
    sample = marshal.dumps(compile(SOURCE, "m.py", "exec"))
print("%s %s" % (version, hexlify(sample).decode()))
