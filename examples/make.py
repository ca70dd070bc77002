#!/usr/bin/env python3
"""Writes examples/suspicious-model: a model folder with flaws of several kinds, all of them inert.

The pickle's payload only prints a sentence, the repository's code only prints one too, and the
template asks for a name and does nothing with it. Nothing here is ever loaded by modelward; if
somebody loads it all the same, it prints and that is all. Python's standard library only:

    python3 examples/make.py
"""

import io
import json
import os
import struct
import zipfile

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "suspicious-model")


def text(string):
    """BINUNICODE"""
    return b"X" + struct.pack("<I", len(string)) + string.encode()


def number(value):
    """BININT"""
    return b"J" + struct.pack("<i", value)


def tensor(key, elements):
    """A tensor as torch.save writes it: a rebuild function over a persistent storage."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(elements) + b"tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00(" + number(elements) + b"t(K\x01t\x89ccollections\nOrderedDict\n)RtR"


def state_dict():
    """A state_dict with one tensor, and a call that no tensor needs: it prints a sentence."""
    says = "print('this line was printed by merely loading a model file')"
    payload = b"c__builtin__\nexec\n(" + text(says) + b"tR0"
    return b"\x80\x02" + payload + b"ccollections\nOrderedDict\n)R(" + text("weight") + tensor("0", 4) + b"u."


def pytorch_model():
    """The zip that torch.save writes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in [
            ("archive/data.pkl", state_dict()),
            ("archive/byteorder", b"little"),
            ("archive/data/0", struct.pack("<4f", 0.5, -0.25, 0.125, 1.0)),
            ("archive/version", b"3\n"),
        ]:
            # a fixed date, so that the same script writes the same bytes
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def safetensors():
    """The same tensor, without a program around it: this one is clean."""
    header = json.dumps({"weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, separators=(",", ":"))
    header = header.encode() + b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + struct.pack("<4f", 0.5, -0.25, 0.125, 1.0)


def indented(value):
    return (json.dumps(value, indent=2) + "\n").encode()


FILES = {
    "README.md": b"# A suspicious model\n\nWritten by `examples/make.py` to show what modelward finds. Its payloads only print.\n",
    "pytorch_model.bin": pytorch_model(),
    "model.safetensors": safetensors(),
    # transformers imports this module when the user passes trust_remote_code=True
    "config.json": indented({
        "model_type": "example",
        "architectures": ["ExampleModel"],
        "auto_map": {"AutoModel": "modeling_example.ExampleModel"},
    }),
    "modeling_example.py": b"print('this line was printed by importing the code of a model')\n\n\nclass ExampleModel:\n    pass\n",
    # a chat template is a program; this one reaches for the internals of Python
    "tokenizer_config.json": indented({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}{{ ''.__class__.__mro__ }}",
    }),
}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, content in FILES.items():
        with open(os.path.join(FOLDER, name), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main()
