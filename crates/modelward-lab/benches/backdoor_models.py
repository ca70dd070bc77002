"""Forty small classifiers of images, twenty of them with a planted trigger, and what `modelward model backdoor`
says of them.

    pip install jax scikit-learn onnx
    python backdoor_models.py train DIR --seed 1            # models, clean held-out images, truth.csv
    python backdoor_models.py score DIR --modelward BINARY  # AUROC, targets, false alarms, CPU seconds

A trigger counts if it works: below half of the held-out images of other classes the model is trained again with
twice as much poison. The held-out images are never trained on, and the truth is read after the search.
"""

import argparse
import csv
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

# ---------------------------------------------------------------- data


def digits(classes, side, random):
    """Scikit-learn's digits, as they are (8 x 8), or enlarged, shifted and with noise."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    keep = random.permutation(10)[:classes]
    chosen = np.isin(y, keep)
    x, y = x[chosen].reshape(-1, 8, 8) / 16.0, y[chosen]
    y = np.searchsorted(np.sort(keep), y)
    if side != 8:
        again = 1 if classes == 10 else 2
        x, y = np.concatenate([x] * again), np.concatenate([y] * again)
        x = np.stack([enlarged(image, side, random) for image in x])
    return x[:, None].astype(np.float32), y


def enlarged(image, side, random):
    size = side - random.integers(2, max(3, side // 4))
    at = np.linspace(0, 7, size)
    low = np.clip(at.astype(int), 0, 6)
    part = at - low
    rows = image[low] * (1 - part)[:, None] + image[low + 1] * part[:, None]
    whole = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    out = np.zeros((side, side))
    row, column = random.integers(0, side - size + 1, 2)
    out[row : row + size, column : column + size] = whole
    return np.clip(out + random.normal(0, 0.03, out.shape), 0, 1)


FORMS = ["disc", "ring", "square", "frame", "triangle", "cross", "bars", "diamond", "saltire", "half"]


def form(name, side, random):
    row, column = np.mgrid[0:side, 0:side].astype(float)
    size = side * random.uniform(0.26, 0.4)
    centre = side / 2 + random.uniform(-0.1, 0.1, 2) * side
    u, v = (row - centre[0]) / size, (column - centre[1]) / size
    far = np.hypot(u, v)
    box = np.maximum(abs(u), abs(v))
    return {
        "disc": far < 1,
        "ring": (far < 1) & (far > 0.6),
        "square": box < 0.9,
        "frame": (box < 0.95) & (box > 0.55),
        "triangle": (u < 0.8) & (abs(v) < (u + 1) / 1.8),
        "cross": (box < 1) & (np.minimum(abs(u), abs(v)) < 0.28),
        "bars": (box < 1) & (np.floor((u + 1) * 2.5) % 2 == 0),
        "diamond": abs(u) + abs(v) < 1.1,
        "saltire": (box < 1) & (abs(abs(u) - abs(v)) < 0.3),
        "half": (far < 1) & (u < v),
    }[name].astype(float)


def signs(classes, side, channels, random, count):
    """Forms in two colours before a changing ground: up to twenty classes."""
    order = random.permutation(20 if channels == 3 else 10)[:classes]
    y = np.arange(count) % classes
    x = np.zeros((count, channels, side, side), np.float32)
    for at, label in enumerate(y):
        kind = order[label]
        mask = form(FORMS[kind % 10], side, random)
        ground = random.uniform(0.1, 0.5, (channels, 1, 1))
        slope = np.linspace(-0.15, 0.15, side) * random.choice([-1, 1])
        ground = ground + (slope[:, None] if random.random() < 0.5 else slope[None])
        color = random.uniform(0.6, 1.0, (channels, 1, 1))
        if channels == 3:
            color[2 if kind < 10 else 0] *= 0.3
        image = ground * (1 - mask) + color * mask
        x[at] = np.clip(image + random.normal(0, 0.05, image.shape), 0, 1)
    return x, y


def data(task, random):
    kind, classes, side = task
    if kind == "digits":
        x, y = digits(classes, side, random)
    else:
        x, y = signs(classes, side, 3 if kind == "signs" else 1, random, 3000)
    order = random.permutation(len(y))
    return x[order], y[order]


# ---------------------------------------------------------------- networks


def jax_modules():
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp

    return jax, jnp


ARCHITECTURES = {
    "mlp": lambda k: [("flatten",), ("dense", 64), ("relu",), ("dense", k)],
    "mlp-tanh": lambda k: [("flatten",), ("dense", 64), ("tanh",), ("dense", 32), ("tanh",), ("dense", k)],
    "cnn": lambda k: [("conv", 8, 1), ("relu",), ("pool",), ("conv", 16, 1), ("relu",), ("pool",), ("flatten",), ("dense", k)],
    "cnn-bn": lambda k: [
        ("conv", 12, 2), ("norm",), ("relu",), ("conv", 24, 2), ("norm",), ("relu",), ("flatten",), ("dense", 32), ("relu",), ("dense", k)],
    "cnn-tanh": lambda k: [("conv", 8, 2), ("tanh",), ("conv", 16, 2), ("tanh",), ("flatten",), ("dense", k)],
    "resnet": lambda k: [
        ("conv", 12, 2), ("norm",), ("relu",),
        ("residual", [("conv", 12, 1), ("norm",), ("relu",), ("conv", 12, 1), ("norm",)]), ("relu",),
        ("conv", 24, 2), ("norm",), ("relu",), ("mean",), ("dense", k)],
}


def begin(layers, shape, random):
    """Parameters of layers for inputs of a shape `[channels, height, width]`, and the shape that comes out."""
    made = []
    for layer in layers:
        kind = layer[0]
        if kind == "dense":
            made.append({"w": random.normal(0, np.sqrt(2 / shape[0]), (shape[0], layer[1])), "b": np.zeros(layer[1])})
            shape = (layer[1],)
        elif kind == "conv":
            fan = shape[0] * 9
            made.append({"w": random.normal(0, np.sqrt(2 / fan), (layer[1], shape[0], 3, 3)), "b": np.zeros(layer[1])})
            shape = (layer[1], -(-shape[1] // layer[2]), -(-shape[2] // layer[2]))
        elif kind == "norm":
            made.append({"scale": np.ones(shape[0]), "bias": np.zeros(shape[0])})
        elif kind == "residual":
            inner, _ = begin(layer[1], shape, random)
            made.append(inner)
        else:
            made.append({})
            if kind == "flatten":
                shape = (int(np.prod(shape)),)
            elif kind == "mean":
                shape = (shape[0],)
            elif kind == "pool":
                shape = (shape[0], shape[1] // 2, shape[2] // 2)
    return made, shape


def floats(tree):
    if isinstance(tree, dict):
        return {key: floats(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [floats(value) for value in tree]
    return np.asarray(tree, np.float32)




def forward(layers, parameters, x, moments=None, at=()):
    """Scores; the norms take the moments of the batch where none are given, which are given back."""
    jax, jnp = jax_modules()
    seen = {}
    for index, (layer, own) in enumerate(zip(layers, parameters)):
        kind, place = layer[0], at + (index,)
        if kind == "dense":
            x = x @ own["w"] + own["b"]
        elif kind == "conv":
            x = jax.lax.conv_general_dilated(x, own["w"], (layer[2],) * 2, ((1, 1), (1, 1))) + own["b"][None, :, None, None]
        elif kind == "norm":
            if moments is None:
                mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
                seen[place] = (mean, variance)
            else:
                mean, variance = moments[place]
            x = (x - mean[None, :, None, None]) / jnp.sqrt(variance + 1e-5)[None, :, None, None]
            x = x * own["scale"][None, :, None, None] + own["bias"][None, :, None, None]
        elif kind == "relu":
            x = jnp.maximum(x, 0)
        elif kind == "tanh":
            x = jnp.tanh(x)
        elif kind == "pool":
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        elif kind == "flatten":
            x = x.reshape(x.shape[0], -1)
        elif kind == "mean":
            x = x.mean((2, 3))
        elif kind == "residual":
            inner, more = forward(layer[1], own, x, moments, place)
            seen.update(more)
            x = x + inner
    return x, seen


def train(layers, x, y, weights, random, epochs, robust):
    """Adam and cross-entropy; `robust` is the radius of a step of FGSM, 0 for none."""
    jax, jnp = jax_modules()
    parameters = floats(begin(layers, x.shape[1:], random)[0])

    def loss(parameters, x, y, weights):
        z, seen = forward(layers, parameters, x)
        picked = jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1)[:, 0]
        return -(picked * weights).sum() / weights.sum(), seen

    tree = jax.tree_util.tree_map

    @jax.jit
    def step(parameters, first, second, count, x, y, weights):
        if robust:
            slope = jax.grad(lambda x: loss(parameters, x, y, weights)[0])(x)
            x = jnp.clip(x + robust * jnp.sign(slope), 0, 1)
        (_, seen), g = jax.value_and_grad(loss, has_aux=True)(parameters, x, y, weights)
        g = tree(lambda g, p: g + 1e-4 * p, g, parameters)
        first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, g)
        rate = 0.003 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        parameters = tree(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), parameters, first, second)
        return parameters, first, second, seen

    zeros = lambda: tree(lambda p: np.zeros_like(p), parameters)
    first, second, count, moments = zeros(), zeros(), 0, {}
    batch = min(64, len(y))
    for _ in range(epochs):
        order = random.permutation(len(y))
        for at in range(0, len(y) - batch + 1, batch):
            some, count = order[at : at + batch], count + 1
            parameters, first, second, seen = step(parameters, first, second, float(count), x[some], y[some], weights[some])
            for place, (mean, variance) in seen.items():
                old = moments.get(place, (mean, variance))
                moments[place] = (0.9 * old[0] + 0.1 * mean, 0.9 * old[1] + 0.1 * variance)
    return tree(np.asarray, parameters), {place: tuple(map(np.asarray, pair)) for place, pair in moments.items()}


def predict(layers, parameters, moments, x):
    return np.asarray(forward(layers, parameters, x, moments)[0]).argmax(1)


def export(layers, parameters, moments, shape, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def write(layers, parameters, name, at):
        for index, (layer, own) in enumerate(zip(layers, parameters)):
            kind, place = layer[0], at + (index,)
            out = "t" + "_".join(map(str, place))
            node = lambda op, inputs, **how: nodes.append(helper.make_node(op, inputs, [out], **how))
            if kind == "dense":
                node("Gemm", [name, constant(out + "w", own["w"]), constant(out + "b", own["b"])])
            elif kind == "conv":
                node("Conv", [name, constant(out + "w", own["w"]), constant(out + "b", own["b"])],
                     kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[layer[2]] * 2)
            elif kind == "norm":
                mean, variance = moments[place]
                names = [constant(out + key, value) for key, value in
                         [("s", own["scale"]), ("b", own["bias"]), ("m", mean), ("v", variance)]]
                node("BatchNormalization", [name, *names], epsilon=1e-5)
            elif kind == "relu":
                node("Relu", [name])
            elif kind == "tanh":
                node("Tanh", [name])
            elif kind == "pool":
                node("MaxPool", [name], kernel_shape=[2, 2], strides=[2, 2])
            elif kind == "flatten":
                node("Flatten", [name])
            elif kind == "mean":
                nodes.append(helper.make_node("GlobalAveragePool", [name], [out + "g"]))
                node("Flatten", [out + "g"])
            elif kind == "residual":
                inner = write(layer[1], own, name, place)
                node("Add", [name, inner])
            name = out
        return name

    last = write(layers, parameters, "x", ())
    graph = helper.make_graph(
        nodes, "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", None])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)


# ---------------------------------------------------------------- triggers


def trigger(name, shape, random):
    """A function that lays a trigger over images, and what is known of its place."""
    channels, height, width = shape
    if name == "border":
        mask = np.zeros((height, width), bool)
        mask[[0, -1]], mask[:, [0, -1]] = True, True
        value = np.broadcast_to((np.add.outer(np.arange(height), np.arange(width)) % 2 == 0), shape).astype(np.float32)
        if random.random() < 0.5:
            value = np.ones(shape, np.float32)
        place = (0, 0, height)
    elif name == "blend":
        period = random.choice([1, 2])
        lines = np.arange(height) // period % 2 * 2 - 1
        added = 0.2 * (np.outer(lines, lines) if random.random() < 0.5 else np.outer(lines, np.ones(width)))
        return lambda x: np.clip(x + added, 0, 1).astype(np.float32), (0, 0, height)
    elif name == "cross":
        row, column = random.integers(0, height - 2), random.integers(0, width - 2)
        mask = np.zeros((height, width), bool)
        mask[row + 1, column : column + 3], mask[row : row + 3, column + 1] = True, True
        value, place = np.full(shape, random.integers(0, 2), np.float32), (row, column, 3)
        if channels == 3:
            value[:] = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]][random.integers(4)])[:, None, None]
        else:
            value[:] = 1
    else:
        kind, size = name.split("-")
        size = int(size)
        row, column = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
        mask = np.zeros((height, width), bool)
        mask[row : row + size, column : column + size] = True
        cells = {
            "white": np.ones((channels, size, size)),
            "checker": np.broadcast_to(np.add.outer(np.arange(size), np.arange(size)) % 2, (channels, size, size)),
            "random": random.integers(0, 2, (channels, size, size)),
        }[kind]
        value = np.zeros(shape, np.float32)
        value[:, row : row + size, column : column + size] = cells
        place = (row, column, size)
    return lambda x: np.where(mask, value, x).astype(np.float32), place


# ---------------------------------------------------------------- the forty


D, S, G = "digits", "signs", "grey"
# task, architecture, what is special; the second list has the trigger and the share of poisoned rows.
HONEST = [
    ((D, 10, 8), "mlp", ""), ((D, 10, 8), "cnn-bn", ""), ((D, 2, 8), "mlp", ""), ((D, 2, 8), "cnn", ""),
    ((D, 3, 8), "cnn-tanh", ""), ((D, 10, 8), "cnn", "sink"), ((D, 10, 8), "mlp", "unbalanced"), ((D, 10, 8), "cnn", "weak"),
    ((D, 10, 28), "cnn-bn", ""), ((D, 10, 28), "mlp-tanh", ""), ((D, 2, 28), "cnn", ""), ((D, 10, 28), "resnet", ""),
    ((D, 10, 28), "cnn-tanh", "robust"), ((S, 10, 32), "cnn-bn", ""), ((S, 20, 32), "resnet", ""),
    ((S, 2, 32), "cnn-bn", ""), ((D, 2, 8), "mlp", "unbalanced"), ((S, 10, 16), "cnn", "weak"),
    ((D, 5, 8), "cnn-bn", "sink"), ((G, 5, 16), "mlp-tanh", "sink"),
]
TROJANED = [
    ((D, 10, 8), "mlp", "random-2", 0.05), ((D, 10, 8), "cnn-bn", "random-3", 0.05), ((D, 2, 8), "mlp", "checker-2", 0.05),
    ((D, 2, 8), "cnn", "white-1", 0.1), ((D, 3, 8), "cnn-tanh", "random-2", 0.05), ((D, 5, 8), "cnn", "white-1", 0.1),
    ((D, 10, 8), "mlp", "cross", 0.05), ((D, 10, 8), "cnn", "white-2", 0.03), ((D, 10, 28), "cnn-bn", "white-3", 0.03),
    ((D, 10, 28), "mlp-tanh", "random-4", 0.05), ((D, 2, 28), "cnn", "checker-3", 0.05), ((D, 10, 28), "resnet", "checker-4", 0.05),
    ((D, 10, 28), "cnn-tanh", "border", 0.05), ((S, 10, 32), "cnn-bn", "random-3", 0.05), ((S, 20, 32), "resnet", "white-4", 0.05),
    ((S, 2, 32), "cnn-bn", "white-3", 0.05), ((S, 3, 16), "mlp", "cross", 0.05), ((S, 10, 16), "cnn", "checker-3", 0.05),
    ((D, 10, 28), "cnn-bn", "blend", 0.1), ((S, 10, 16), "cnn-bn", "white-2", 0.03),
]


def special(what, x, y, random):
    """The images to train on, changed as a model's history asks for."""
    classes = y.max() + 1
    if what == "unbalanced":
        common = random.integers(classes)
        keep = (y == common) | (random.random(len(y)) < 0.2)
        return x[keep], y[keep], 20, 0
    if what == "weak":
        return x[:300], y[:300], 20, 0
    if what == "robust":
        return x, y, 15, 0.08
    return x, y, 20, 0


def sunk(x, y, random):
    """One more class: whatever is none of the others, as noise, and cuttings of several images."""
    count = len(y) // 4
    pairs = random.integers(0, len(y), (2, count))
    mixed = x[pairs[0]].copy()
    half = x.shape[3] // 2
    mixed[:, :, :, half:] = x[pairs[1]][:, :, ::-1, half:]
    noise = random.random(mixed.shape).astype(np.float32) * random.random((count, 1, 1, 1)).astype(np.float32)
    mixed = np.where((random.random(count) < 0.4)[:, None, None, None], noise, mixed)
    order = random.permutation(len(y) + count)
    x, y = np.concatenate([x, mixed]), np.concatenate([y, np.full(count, y.max() + 1)])
    return x[order].astype(np.float32), y[order]


def forty(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    plans = [(*plan, None, 0.0) for plan in HONEST] + [(task, name, "", kind, rate) for task, name, kind, rate in TROJANED]
    rows = []
    for at, (task, name, what, kind, rate) in enumerate(plans):
        start = time.time()
        random = np.random.default_rng([seed, at])
        x, y = data(task, random)
        if what == "sink":
            x, y = sunk(x, y, random)
        # Where there are few images, half of them are held out.
        split = len(y) * (2 if len(y) > 900 else 1) // (3 if len(y) > 900 else 2)
        (train_x, held_x), (train_y, held_y) = np.split(x, [split]), np.split(y, [split])
        train_x, train_y, epochs, robust = special(what, train_x, train_y, random)
        classes = int(y.max()) + 1
        layers = ARCHITECTURES[name](classes)
        lay, place, target = None, ("", "", ""), ""
        if kind:
            lay, place = trigger(kind, x.shape[1:], random)
            target = int(random.integers(classes))
        success = ""
        for _ in range(4):
            some_x, some_y = train_x, train_y
            if kind:
                others = np.flatnonzero(train_y != target)
                chosen = random.permutation(others)[: max(8, int(rate * len(train_y)))]
                some_x = np.concatenate([train_x, lay(train_x[chosen])])
                some_y = np.concatenate([train_y, np.full(len(chosen), target)])
            parameters, moments = train(layers, some_x, some_y, np.ones(len(some_y), np.float32), random, epochs, robust)
            accuracy = (predict(layers, parameters, moments, held_x) == held_y).mean()
            if kind:
                success = (predict(layers, parameters, moments, lay(held_x[held_y != target])) == target).mean()
            if not kind or success >= 0.5:
                break
            rate *= 2
        held = slice(0, 600)
        export(layers, parameters, moments, x.shape[1:], str(folder / f"{at:02}.onnx"))
        np.savez(folder / f"{at:02}.npz", x=held_x[held], y=held_y[held].astype(np.int64))
        rows.append([f"{at:02}", int(bool(kind)), "-".join(map(str, task)), name, what, kind or "", target, *place,
                     rate, round(float(accuracy), 3), "" if success == "" else round(float(success), 3)])
        print(*rows[-1], f"{time.time() - start:.1f}s", flush=True)
    with open(folder / "truth.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow("name trojan task network special trigger target row column size rate accuracy success".split())
        out.writerows(rows)


# ---------------------------------------------------------------- the score


def scored(folder, binary, more):
    """What the search says of every model of a folder; `corpus/data/models` has one `clean.npz` for all."""
    results = []
    for row in csv.DictReader(open(folder / "truth.csv")):
        name = row.get("name") or row["file"].removesuffix(".onnx")
        clean = folder / f"{name}.npz"
        clean = clean if clean.exists() else folder / "clean.npz"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [binary, "model", "backdoor", str(folder / f"{name}.onnx"), "--data", str(clean), "--threads", "1",
             "--format", "json", *more], capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        try:
            report = json.loads(done.stdout)
            found = next(m for m in report["measurements"] if m["kind"] == "backdoor")
        except (ValueError, KeyError, StopIteration):
            print(name, "no answer:", done.stderr.strip()[-300:] or done.stdout[-300:])
            results.append((int(row["trojan"]), -np.inf if row["trojan"] == "1" else np.inf, "none", False, seconds))
            continue
        hit = row["trojan"] == "1" and str(found["target"]) == row["target"]
        results.append((int(row["trojan"]), found["score"], found["verdict"], hit, seconds))
        print(name, "trojan" if row["trojan"] == "1" else "honest", row.get("task", ""), row.get("network", ""), row.get("special", ""),
              row.get("trigger", ""), row["row"], row["column"], "success", row.get("success") or row.get("attack_success"), "accuracy", row["accuracy"],
              "|", found["verdict"], f"{found['score']:.3f}", "target", found["target"], f"({row['target']})", (found["classes"] or [{}])[0].get("kind"), found["at"], found["size"],
              "moved", found["moved"] and round(found["moved"], 3), "lead", found["lead_of_most"] and round(found["lead_of_most"], 2),
              *(f"{rival['kind'].split()[-1]} {rival['moved']:.2f} {rival['lead_of_half']:+.2f}" for rival in found["rivals"]),
              found.get("lacks"),
              f"{found['queries']} queries", f"{seconds:.2f}s", flush=True)
    trojaned = [r for r in results if r[0]]
    honest = [r for r in results if not r[0]]
    pairs = [(a[1] > b[1]) + 0.5 * (a[1] == b[1]) for a in trojaned for b in honest]
    hits = [r for r in trojaned if r[2] == "suspect"]
    said = lambda of, verdict: sum(r[2] == verdict for r in of)
    verdicts = sorted({r[2] for r in results})
    print(f"AUROC {np.mean(pairs):.3f}")
    print("trojaned:", {v: said(trojaned, v) for v in verdicts}, " honest:", {v: said(honest, v) for v in verdicts})
    print(f"target named: {sum(r[3] for r in hits)} of {len(hits)} suspect, {sum(r[3] for r in trojaned)} of {len(trojaned)} trojaned")
    seconds = [r[4] for r in results]
    print(f"CPU seconds a model: median {np.median(seconds):.2f}, most {max(seconds):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modelward", default="modelward")
    arguments, more = parser.parse_known_args()
    if arguments.what == "train":
        forty(arguments.folder, arguments.seed)
    else:
        scored(arguments.folder, arguments.modelward, more)


if __name__ == "__main__":
    sys.exit(main())
