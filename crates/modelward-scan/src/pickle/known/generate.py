"""List the plain classes of a library, for the allow-list of pickle names.

A maintainer's tool; nothing at build or run time calls it. It reads the source of installed libraries without importing
them, and rewrites what stands below the line `# generated: ...` of a `.names` file.

    python generate.py --path SITE_PACKAGES [--path ...] [LIBRARY ...]

A class enters as `class` when it, and every base of it up to one that was reviewed by hand, is an ordinary Python class
without methods that run while a pickle is loaded (`HOOKS`), except those in `REVIEWED`, which were read. What is refused
is told on standard error with the method that stands in the way: read it, then add it to `REVIEWED` or leave it out.
"""

import argparse
import ast
import fnmatch
import pathlib
import sys

# Methods that pickle, or a container that a pickle fills, may call.
HOOKS = {
    "__setstate__", "__new__", "__del__", "__getattr__", "__getattribute__", "__setattr__", "__hash__", "__eq__",
}

# Bases without source, or read in Python's own source: they keep what they are given.
PLAIN_BASES = {
    "object", "abc.ABC", "ABC", "typing.Iterable", "typing.TypedDict", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol", "Exception", "ValueError", "RuntimeError",
    "AttributeError", "TypeError", "UserWarning", "FutureWarning", "DeprecationWarning", "Warning", "KeyError", "ImportError",
    "argparse.Namespace", "types.SimpleNamespace", "string.Formatter",
    "collections.abc.Mapping", "collections.abc.MutableMapping", "collections.abc.Sequence", "collections.abc.Sized",
    "collections.abc.Iterable", "collections.abc.Iterator", "collections.abc.Hashable", "collections.abc.Callable",
}
CONTAINERS = {"dict", "list", "set", "collections.OrderedDict", "collections.UserDict", "collections.UserList", "typing.Dict", "typing.List"}
ENUMERATIONS = {"enum.Enum", "enum.IntEnum", "enum.StrEnum"}
TUPLES = {"typing.NamedTuple"}
SCALARS = {"str", "int", "float"}

# Class decorators that add no hook: they write methods that compare and show, or documentation.
PLAIN_DECORATORS = {
    "dataclass", "dataclasses.dataclass", "final", "typing.final", "total_ordering", "functools.total_ordering", "deprecated",
    "add_start_docstrings", "add_end_docstrings", "auto_docstring", "requires", "requires_backends", "strict", "runtime_checkable",
    "experimental", "compatibility", "torch.jit.interface", "ignore", "deprecate", "validate_params", "pgroup_unused", "set_module",
    "dataclass_transform", "torch_compilable_check", "use_kernel_forward_from_hub", "use_kernelized_func", "use_experts_implementation", "add_code_sample_docstrings", "rank_zero_only_class",
}

# Hooks that were read, with what they do.
REVIEWED = {
    # torch: all put the dict in place, and fill in what older files lack.
    "torch.nn.modules.module.Module.__setstate__", "torch.nn.modules.module.Module.__getattr__",
    "torch.nn.modules.module.Module.__setattr__", "torch.nn.modules.activation.MultiheadAttention.__setstate__",
    "torch.nn.modules.activation.Softmax.__setstate__", "torch.nn.modules.activation.Softmin.__setstate__",
    "torch.nn.modules.activation.LogSoftmax.__setstate__", "torch.nn.modules.conv._ConvNd.__setstate__",
    "torch.nn.modules.pooling.AvgPool3d.__setstate__", "torch.nn.modules.rnn.RNNBase.__setstate__",
    "torch.nn.modules.rnn.RNNBase.__setattr__", "torch.nn.modules.transformer.TransformerEncoderLayer.__setstate__",
    "torch.nn.modules.transformer.TransformerDecoderLayer.__setstate__", "torch.nn.modules.upsampling.Upsample.__setstate__",
    "torch.amp.grad_scaler.GradScaler.__setstate__", "torch.distributions.transforms.Transform.__eq__",
    # scikit-learn: warns when the version differs, then puts the dict in place.
    "sklearn.base.BaseEstimator.__setstate__",
    # compares or hashes parameters.
    "sklearn.gaussian_process.kernels.Kernel.__eq__",
    "sklearn.gaussian_process.kernels.Exponentiation.__eq__",
    "sklearn.gaussian_process.kernels.KernelOperator.__eq__",
    "sklearn.gaussian_process.kernels.CompoundKernel.__eq__",
    "sklearn.gaussian_process.kernels.Hyperparameter.__eq__",
    "sklearn.gaussian_process.kernels.Hyperparameter.__new__",
    "sklearn.frozen._frozen.FrozenEstimator.__getattr__",
    # transformers: a value that is no member raises; other names for attributes; settings compared as dicts or text.
    "transformers.file_utils.ExplicitEnum._missing_", "transformers.utils.generic.ExplicitEnum._missing_",
    "transformers.configuration_utils.PretrainedConfig.__eq__", "transformers.configuration_utils.PretrainedConfig.__getattribute__",
    "transformers.configuration_utils.PretrainedConfig.__setattr__", "transformers.configuration_utils.PreTrainedConfig.__eq__",
    "transformers.configuration_utils.PreTrainedConfig.__getattribute__", "transformers.configuration_utils.PreTrainedConfig.__setattr__",
    "transformers.integrations.heterogeneity.configuration_utils.HeterogeneousConfigMixin.__getattribute__",
    "transformers.generation.configuration_utils.GenerationConfig.__eq__", "transformers.generation.configuration_utils.GenerationConfig.__hash__",
    # accelerate, ultralytics: raise an AttributeError that explains itself.
    "accelerate.state.AcceleratorState.__getattr__", "accelerate.state.PartialState.__getattr__",
    "ultralytics.utils.IterableSimpleNamespace.__getattr__", "ultralytics.utils.SimpleClass.__getattr__",
    "ultralytics.yolo.utils.IterableSimpleNamespace.__getattr__", "ultralytics.yolo.utils.SimpleClass.__getattr__",
    # fills in a product of two attributes.
    "ultralytics.nn.modules.block.AAttn.__setstate__",
    # flair: puts the dict in place, and fills in one flag.
    "flair.data.Dictionary.__setstate__", "flair.data.Dictionary.__eq__",
}

# Hooks that were read and are right only with a state of this shape.
STATES = {
    # answers for any name out of a dict that the state could bring, `__setstate__` among them.
    "transformers.configuration_utils.PretrainedConfig.__getattribute__": "{attribute_map: none}",
    "transformers.configuration_utils.PreTrainedConfig.__getattribute__": "{attribute_map: none}",
    "transformers.integrations.heterogeneity.configuration_utils.HeterogeneousConfigMixin.__getattribute__": "{attribute_map: none}",
}

# What to list: the package, patterns of its modules, and of modules left out.
LIBRARIES = {
    "torch": (
        "torch",
        ["torch.nn.modules.*", "torch.nn.parallel.data_parallel", "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.distributions.*",
         "torch.utils.data.dataset", "torch.utils.data.sampler", "torch.amp.grad_scaler", "torch.cuda.amp.grad_scaler",
         "torch.ao.quantization.observer", "torch.ao.quantization.fake_quantize", "torch.ao.quantization.stubs", "torch.ao.nn.qat.*",
         "torch.ao.nn.intrinsic.modules.*", "torch.ao.nn.intrinsic.qat.*"],
        ["torch.nn.modules.lazy"],
    ),
    "scikit_learn": (
        "sklearn", ["sklearn.*"],
        ["sklearn.externals.*", "sklearn.callback.*", "sklearn.datasets.*", "sklearn.utils._repr_html.*", "sklearn.utils._testing",
         "sklearn.utils._mocking", "sklearn.utils._pprint", "sklearn.utils._unittest_backport"],
    ),
    "torchvision": ("torchvision", ["torchvision.models.*", "torchvision.ops.*", "torchvision.transforms.transforms"], []),
    "transformers": (
        "transformers",
        ["transformers.trainer_utils", "transformers.training_args*", "transformers.trainer_callback", "transformers.trainer_pt_utils",
         "transformers.deepspeed", "transformers.integrations.deepspeed", "transformers.debug_utils", "transformers.file_utils",
         "transformers.utils.generic", "transformers.generation.configuration_utils", "transformers.configuration_utils",
         "transformers.activations", "transformers.pytorch_utils"]
        + [f"transformers.models.{model}.{kind}_{model}" for kind in ("configuration", "modeling")
           for model in ("albert", "bart", "beit", "bert", "big_bird", "blenderbot", "blip", "bloom", "camembert", "clip", "codegen",
                         "cohere", "convbert", "convnext", "convnextv2", "data2vec", "deberta", "deberta_v2", "deit", "detr", "dinov2",
                         "distilbert", "electra", "ernie", "falcon", "flaubert", "funnel", "gemma", "gemma2", "gemma3", "gpt2",
                         "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "hubert", "layoutlm", "layoutlmv3", "led", "llama", "longformer",
                         "longt5", "m2m_100", "mamba", "mamba2", "marian", "mbart", "mistral", "mixtral", "mobilebert", "mobilenet_v2",
                         "mobilevit", "mpnet", "mpt", "mt5", "olmo", "olmo2", "opt", "pegasus", "phi", "phi3", "qwen2", "qwen2_moe",
                         "qwen3", "qwen3_moe", "regnet", "rembert", "resnet", "roberta", "roformer", "segformer", "siglip",
                         "speech_to_text", "squeezebert", "stablelm", "starcoder2", "swin", "swinv2", "t5", "trocr", "umt5", "unispeech",
                         "unispeech_sat", "vit", "vit_mae", "vits", "wav2vec2", "wavlm", "whisper", "xglm", "xlm", "xlm_roberta",
                         "xlm_roberta_xl", "xlnet", "yolos")],
        [],
    ),
    "accelerate": ("accelerate", ["accelerate.state", "accelerate.utils.dataclasses"], []),
    "ultralytics": (
        "ultralytics",
        ["ultralytics.nn.*", "ultralytics.utils", "ultralytics.utils.loss", "ultralytics.utils.tal", "ultralytics.yolo.utils",
         "ultralytics.yolo.utils.loss", "ultralytics.yolo.utils.tal"],
        ["ultralytics.nn.autobackend", "ultralytics.nn.backends.*"],
    ),
    "flair": ("flair", ["flair.data", "flair.embeddings.*", "flair.models.*", "flair.training_utils", "flair.optim", "flair.nn.*"], []),
    "pyannote": ("pyannote", ["pyannote.audio.core.task", "pyannote.audio.core.model", "pyannote.audio.models.*"], []),
    "lightning": ("pytorch_lightning", ["pytorch_lightning.callbacks.*", "pytorch_lightning.utilities.parsing"], []),
    "omegaconf": ("omegaconf", ["omegaconf.base", "omegaconf.nodes", "omegaconf.dictconfig", "omegaconf.listconfig"], []),
    "sentence_transformers": ("sentence_transformers", ["sentence_transformers.models.*", "sentence_transformers.SentenceTransformer"], []),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--path", action="append", required=True, help="a folder that holds packages")
    arguments.add_argument("--older", action="append", default=[], help="a folder that holds an older version of one package")
    arguments.add_argument("libraries", nargs="*", default=[])
    options = arguments.parse_args()
    for name in options.libraries or LIBRARIES:
        package = LIBRARIES[name][0]
        older = [folder for folder in options.older if (pathlib.Path(folder) / package).is_dir()]
        write(name, [Sources(options.path)] + [Sources([folder] + options.path) for folder in older])


def write(name, versions):
    """Rewrite the generated part of one library's file: what is plain in every version that has it."""
    listed, refused = {}, {}
    for sources in versions:
        for entry, kinds, why in entries(name, sources):
            if not kinds or not agree(listed.setdefault(entry, kinds), kinds):
                refused[entry] = why or f"it changed its kind from {listed[entry]} to {kinds}"
            elif "state" in kinds:
                listed[entry] = kinds
    path = pathlib.Path(__file__).with_name(f"{name}.names")
    mark = "# generated: plain classes, by generate.py\n"
    kept = path.read_text().split(mark)[0]
    by_hand = {line.split(" :")[0] for line in kept.splitlines() if " : " in line}
    package = LIBRARIES[name][0]
    numbers = ", ".join(sorted({sources.version(package) for sources in versions}, key=lambda it: [int(n) for n in it.split(".") if n.isdigit()]))
    lines = sorted(f"{entry} : {kinds}" for entry, kinds in listed.items() if entry not in refused and entry not in by_hand)
    head = f"[{package} {numbers}: read by generate.py]\n= an ordinary class, or an enumeration: no method of it runs while it is loaded\n"
    path.write_text(kept + mark + head + "\n".join(lines) + "\n")
    print(f"{name}: {len(lines)} listed, {len(refused)} refused", file=sys.stderr)
    for entry, why in sorted(refused.items()):
        if entry not in by_hand:
            print("  refused", entry, "-", why, file=sys.stderr)


def entries(name, sources):
    """Each class of the listed modules: its entry, its kinds, or why it has none."""
    package, inside, outside = LIBRARIES[name]
    for module in sources.modules(package):
        if not wanted(module, inside) or wanted(module, outside) or is_test(module):
            continue
        for found in sources.classes(module):
            kinds, why = sources.kinds(found)
            if kinds == "class":
                kinds += sources.state(found)
            yield f"{module} {found.name}", kinds, why


def agree(one, other):
    """Whether two versions mean the same, whatever the rule of the state: the stricter one holds."""
    return one.partition(", state ")[0] == other.partition(", state ")[0]


def wanted(module, patterns):
    return any(fnmatch.fnmatchcase(module, pattern) for pattern in patterns)


def is_test(module):
    return any(part in {"tests", "test", "testing", "conftest"} or part.startswith("test_") for part in module.split("."))


class Class:
    """A class statement, and the module that it stands in."""

    def __init__(self, module, node):
        self.module, self.node, self.name = module, node, node.name
        self.full = f"{module}.{node.name}"


class Sources:
    """The source of packages below some folders, parsed when it is asked for."""

    def __init__(self, folders):
        self.folders = [pathlib.Path(folder) for folder in folders]
        self.parsed = {}
        self.judged = {}

    def modules(self, package):
        for folder in self.folders:
            root = folder / package
            if root.is_dir():
                for path in sorted(root.rglob("*.py")):
                    parts = path.relative_to(folder).with_suffix("").parts
                    yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                return

    def version(self, package):
        names = {"sklearn": "scikit_learn"}
        for folder in self.folders:
            for found in sorted(folder.glob(f"{names.get(package, package)}-*.dist-info")):
                return found.name.split("-")[1]
        return "unknown"

    def module(self, name):
        """What the top level of a module defines: name -> what it stands for."""
        if name not in self.parsed:
            self.parsed[name] = None
            path, is_package = self.file(name)
            if path:
                self.parsed[name] = names_of(name, is_package, ast.parse(path.read_text(errors="replace")))
        return self.parsed[name]

    def file(self, name):
        for folder in self.folders:
            base = folder.joinpath(*name.split("."))
            if (base / "__init__.py").is_file():
                return base / "__init__.py", True
            if base.with_suffix(".py").is_file():
                return base.with_suffix(".py"), False
        return None, False

    def classes(self, module):
        names, _ = self.module(module) or ({}, [])
        return [it for it in names.values() if isinstance(it, Class)]

    def resolve(self, module, dotted, depth=0):
        """The class that a dotted name means in a module; or the name itself, where its source is not at hand."""
        if depth > 20:
            return dotted
        names, stars = self.module(module) or ({}, [])
        first, _, rest = dotted.partition(".")
        target = names.get(first)
        if target is None:
            for star in stars:
                if first in (self.module(star) or ({}, []))[0]:
                    return self.resolve(star, dotted, depth + 1)
            return self.absolute(f"{module}.{dotted}", depth) if self.file(f"{module}.{first}")[0] else dotted
        if isinstance(target, Class):
            return target if not rest else dotted
        return self.absolute(f"{target}.{rest}" if rest else target, depth)

    def absolute(self, dotted, depth):
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            if self.file(module)[0]:
                known = self.module(module)
                rest = ".".join(parts[cut:])
                if known and (parts[cut] in known[0] or known[1]):
                    return self.resolve(module, rest, depth + 1)
        return dotted

    def kinds(self, found):
        """The kinds of entry of a class, or why it is refused."""
        if found.full not in self.judged:
            self.judged[found.full] = (None, "it is its own base")
            self.judged[found.full] = self.judge(found)
        return self.judged[found.full]

    def judge(self, found):
        for decorator in found.node.decorator_list:
            name = dotted_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name not in PLAIN_DECORATORS and name.split(".")[-1] not in PLAIN_DECORATORS:
                return None, f"decorator {name}"
        for keyword in found.node.keywords:
            if keyword.arg == "auto_wrap_output_keys":
                continue  # read by scikit-learn when the class is made
            if keyword.arg != "metaclass" or dotted_name(keyword.value).split(".")[-1] not in {"ABCMeta", "EnumMeta", "EnumWithContains"}:
                return None, f"{keyword.arg} {dotted_name(keyword.value)}"
        kinds = "class"
        for base in bases_of(found.node):
            target = self.resolve(found.module, dotted_name(base))
            if isinstance(target, Class):
                inherited, why = self.kinds(target)
                if not inherited:
                    return None, f"base {target.full}: {why}"
                if inherited != "class":
                    kinds = inherited
            elif target in ENUMERATIONS:
                kinds = "enum"
            elif target in TUPLES:
                kinds = "call (any*), class"
            elif target in CONTAINERS:
                kinds = "class, items"
            elif target in SCALARS:
                continue
            elif target not in PLAIN_BASES:
                return None, f"base {target} without source"
        methods = {it.name for it in found.node.body if isinstance(it, (ast.FunctionDef, ast.AsyncFunctionDef))}
        assigned = {t.id for it in found.node.body if isinstance(it, ast.Assign) for t in it.targets if isinstance(t, ast.Name)}
        hooks = (methods | assigned) & HOOKS
        if kinds == "enum":
            hooks |= methods & {"_missing_", "__init__"}
        if "items" in kinds:
            hooks |= methods & {"__setitem__", "append", "extend", "add", "update", "__init__"} - {"__init__"}
        unread = sorted(hook for hook in hooks if f"{found.full}.{hook}" not in REVIEWED)
        return (None, ", ".join(unread)) if unread else (kinds, "")

    def state(self, found):
        """The rule of the state, where the one of `class` is too wide.

        A state of slots runs the setters of properties, unless the class has a `__setstate__` that takes it instead.
        """
        members = [(one, it) for one in self.family(found) for it in one.node.body]
        for one, it in members:
            if f"{one.full}.{method_of(it)}" in STATES:
                return ", state " + STATES[f"{one.full}.{method_of(it)}"]
        restores = any(method_of(it) == "__setstate__" for _, it in members)
        return ", state {}" if not restores and any(is_setter(it) for _, it in members) else ""

    def family(self, found):
        """A class and all its bases whose source is at hand."""
        bases = (self.resolve(found.module, dotted_name(base)) for base in bases_of(found.node))
        return [found] + [it for base in bases if isinstance(base, Class) for it in self.family(base)]


def names_of(module, is_package, tree):
    """The names that a module's top level binds to classes and imports, and the modules that it imports whole."""
    names, stars = {}, []
    package = module if is_package else module.rpartition(".")[0]

    def walk(body):
        for node in body:
            if isinstance(node, ast.ClassDef):
                names.setdefault(node.name, Class(module, node))
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    names[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = package.split(".")
                    parts = parts[: len(parts) - node.level + 1]
                    base = ".".join(parts + ([node.module] if node.module else []))
                for alias in node.names:
                    if alias.name == "*":
                        stars.append(base)
                    else:
                        names.setdefault(alias.asname or alias.name, f"{base}.{alias.name}")
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                value = dotted_name(node.value)
                if value and value != node.targets[0].id:
                    names.setdefault(node.targets[0].id, f"{module}.{value}" if "." not in value else value)
            elif isinstance(node, ast.If):
                walk(node.body)
                walk(node.orelse)
            elif isinstance(node, ast.Try):
                walk(node.body)
                for handler in node.handlers:
                    walk(handler.body)
                walk(node.orelse)

    walk(tree.body)
    return names, stars


def dotted_name(node):
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted_name(node.value)
        return f"{left}.{node.attr}" if left else ""
    if isinstance(node, ast.Subscript):
        return dotted_name(node.value)
    return ""


def bases_of(node):
    """The bases of a class; those of `six.with_metaclass(ABCMeta, ...)` stand in a call."""
    for base in node.bases:
        if isinstance(base, ast.Call) and dotted_name(base.func).endswith("with_metaclass") and dotted_name(base.args[0]).endswith("ABCMeta"):
            yield from base.args[1:]
        else:
            yield base


def method_of(node):
    return node.name if isinstance(node, ast.FunctionDef) else None


def is_setter(node):
    return isinstance(node, ast.FunctionDef) and any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in node.decorator_list)


if __name__ == "__main__":
    main()
