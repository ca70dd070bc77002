"""Wrong labels beyond the corpus: flipped sets of scikit-learn and clean sets of many shapes, made from a seed, and what
`modelward data check --only label-error` says of them.

    pip install scikit-learn
    python label_sets.py --modelward BINARY [--seed 91000]

Prints precision and recall of the flagged rows (means over the sets), in how many sets both goals are met (0.90 and
0.85), and the clean sets with alarms. Limits were chosen on other seeds than 91000.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from sklearn import datasets


def flipped(labels, share, direction, random):
    """Labels of which a share is changed: to any other class, to the next, or of class 0 to class 1."""
    classes, given = labels.max() + 1, labels.copy()
    among = np.flatnonzero(labels == 0) if direction == "0 to 1" else np.arange(len(labels))
    rows = random.choice(among, round(len(among) * share), replace=False)
    by = random.integers(1, classes, len(rows)) if direction == "any" else 1
    given[rows] = (given[rows] + by) % classes
    return given, set(rows.tolist())


def real(seed):
    for name, load, many in (("wine", datasets.load_wine, 40), ("iris", datasets.load_iris, 20),
                             ("breast_cancer", datasets.load_breast_cancer, 12), ("digits", datasets.load_digits, 4)):
        data = load()
        cases = [(share, "any", many) for share in (0.05, 0.1, 0.2)] + [(0.1, "next", 4), (0.1, "0 to 1", 4)]
        for share, direction, count in cases:
            for at in range(count):
                random = np.random.default_rng([seed, at, round(share * 100), len(direction)])
                given, wrong = flipped(data.target.astype(int), share, direction, random)
                yield f"{name}, {share:.0%} to {direction}" if direction != "0 to 1" else f"{name}, {share:.0%} of class 0 to 1", data.data, given, wrong


def clean(seed):
    made = datasets.make_classification
    for rows in (200, 500, 1500, 5000):
        for at in range(6):
            random = np.random.default_rng([seed, rows, at])
            state = int(random.integers(1 << 31))
            shapes = [
                made(rows, 10, n_informative=5, weights=[0.9], flip_y=0, class_sep=0.9, random_state=state),
                made(rows, 12, n_informative=8, n_classes=4, weights=[0.6, 0.2, 0.15, 0.05], flip_y=0, class_sep=1.2, random_state=state),
                made(rows, 20, n_informative=10, n_classes=5, n_clusters_per_class=2, flip_y=0, class_sep=1, random_state=state),
                datasets.make_moons(rows, noise=0.3, random_state=state),
                datasets.make_circles(rows, noise=0.2, factor=0.5, random_state=state),
                datasets.make_gaussian_quantiles(n_samples=rows, n_features=5, n_classes=3, random_state=state),
            ]
            labels = random.integers(0, 2, rows)
            shapes.append((random.normal(size=(rows, 5)) * np.where(labels == 0, 2.5, 1)[:, None], labels))
            labels = random.integers(0, 3, rows)
            features = random.laplace(size=(rows, 6))
            features[np.arange(rows), labels] += 3
            shapes.append((features, labels))
            features = random.normal(size=(rows, 8))
            odds = np.exp(-2 * features @ random.normal(size=8))
            shapes.append((features, (random.random(rows) < 1 / (1 + odds)).astype(int)))
            features = np.exp(random.normal(size=(rows, 6)))
            amounts = features[:, 0] * features[:, 1] + 0.3 * random.normal(size=rows)
            shapes.append((features, np.digitize(amounts, [0.5, 1, 3])))
            labels = random.integers(0, 8, rows)
            shapes.append((2 * random.normal(size=(8, 6))[labels] + random.normal(size=(rows, 6)), labels))
            for features, labels in shapes:
                yield f"clean, {rows} rows", features, labels, set()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modelward", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=91000)
    given = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(prefix="labels-") as folder:
        path = pathlib.Path(folder) / "set.npz"
        for sets in (real(given.seed), clean(given.seed)):
            for name, features, labels, wrong in sets:
                np.savez(path, x=np.asarray(features, "f4"), y=labels)
                command = [given.modelward, "data", "check", path, "--label", "y", "--only", "label-error", "--format", "json"]
                done = subprocess.run(command, capture_output=True, text=True)
                found = json.loads(done.stdout)["measurements"][0]["checks"]["label-error"]
                flagged = {row["row"] for row in found["flagged"]} if "flagged" in found else None
                results.setdefault(name, []).append((flagged, wrong, len(labels)))
    for name, sets in results.items():
        judged = [one for one in sets if one[0] is not None]
        if name.startswith("clean"):
            alarms = sorted(len(flagged) for flagged, _, _ in judged if flagged)
            above = sum(len(flagged) > 0.005 * rows for flagged, _, rows in judged)
            print(f"{name}: {len(judged)} of {len(sets)} judged, {len(alarms)} with alarms ({above} above 0.5 %), rows {alarms}")
            continue
        precision = np.array([len(flagged & wrong) / max(1, len(flagged)) for flagged, wrong, _ in judged])
        recall = np.array([len(flagged & wrong) / len(wrong) for flagged, wrong, _ in judged])
        both = np.mean((precision >= 0.9) & (recall >= 0.85))
        hits = sum(len(flagged & wrong) for flagged, wrong, _ in judged)
        print(f"{name}: {len(judged)} sets, P {precision.mean():.3f}, R {recall.mean():.3f}, both goals in {both:.0%}; {hits} of"
              f" {sum(len(wrong) for _, wrong, _ in judged)} rows, {sum(len(flagged - wrong) for flagged, wrong, _ in judged)} others")


if __name__ == "__main__":
    main()
