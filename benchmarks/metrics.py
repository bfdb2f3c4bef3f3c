"""What each score costs, and how a plain implementation of the published procedure compares.

Run with `python benchmarks/metrics.py`: 10,000 codes of 10 latents, 5 factors of as many values as
those of dSprites. Two minutes at most. Seconds are those that the processor spent, so that other
work on the machine does not count.

`python benchmarks/metrics.py dci` measures DCI by predictor instead, in seconds on the clock, with
the factors on one core and spread over all. Some ten minutes, for the published boosted trees.

`python benchmarks/metrics.py wide` measures the scores that make sense for 4,096 activations of a
network, with chance and ceiling and without interval, each in a process of its own: seconds of the
processor, and GiB that the process held at its peak, of which 1 before the score began.
"""

import resource
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score
from sklearn.svm import LinearSVC

from distaff.arrays import Array
from distaff.audit.known_codes import SIZES
from distaff.metrics import METRICS
from distaff.metrics.dci import dci
from distaff.metrics.prediction.importance import SLOW

ROWS, LATENTS, MANY_LATENTS = 10_000, 10, 64
TRAIN, TEST, GROUP = 10_000, 5_000, 64
OTHERS = [name for name in METRICS if name != "dci"]
ACTIVATIONS = 4_096
WIDE: dict[str, dict[str, str]] = {
    "mutual-information-gap": {},
    "modularity": {},
    "sap": {},
    "interventional-robustness": {},
    "beta-vae-score": {},
    "factor-vae-score": {},
    "dci": {"backend": "lasso"},
}
"""By name their settings; trees and regressions of 40 values take minutes for so many latents."""
WITH_MEMORY = ("mutual-information-gap", "factor-vae-score", "explicitness")


def noisy_code(latents: int, seed: int) -> tuple[Array, Array]:
    """The factors with some noise, and latents of noise alone."""
    generator = np.random.default_rng(seed)
    factors = generator.integers(0, SIZES, size=(ROWS, len(SIZES)))
    codes = generator.normal(size=(ROWS, latents))
    codes[:, : len(SIZES)] *= 0.1
    codes[:, : len(SIZES)] += (factors - factors.mean(axis=0)) / factors.std(axis=0)
    return codes, factors


# -- the published procedures, point by point and vote by vote


def plain_gap(codes: Array, factors: Array) -> float:
    """The gap from 20 cells, a pair of columns at a time."""
    cells = [np.digitize(column, np.histogram(column, 20)[1][:-1]) for column in codes.T]
    table = np.array([[mutual_info_score(f, cell) for f in factors.T] for cell in cells])
    entropy = np.array([mutual_info_score(f, f) for f in factors.T])
    best = np.sort(table, axis=0)[::-1]
    return float(((best[0] - best[1]) / entropy).mean())


def rows_by_value(factors: Array) -> list[list[Array]]:
    """For each factor and value the rows that have it."""
    return [[np.flatnonzero(f == value) for value in range(f.max() + 1)] for f in factors.T]


def plain_votes(codes: Array, factors: Array) -> float:
    """The FactorVAE score, a vote at a time."""
    generator, rows = np.random.default_rng(0), rows_by_value(factors)
    variance = codes.var(axis=0)
    votes = np.zeros((2, codes.shape[1], len(rows)))
    for i in range(TRAIN + TEST):
        factor = generator.integers(len(rows))
        group = generator.choice(rows[factor][generator.integers(len(rows[factor]))], GROUP)
        latent = np.argmin(codes[group].var(axis=0, ddof=1) / variance)
        votes[int(i >= TRAIN), latent, factor] += 1
    return float(votes[1][np.arange(codes.shape[1]), votes[0].argmax(axis=1)].sum() / TEST)


def plain_differences(codes: Array, factors: Array) -> float:
    """The score of the beta-VAE paper, a point at a time."""
    generator, rows = np.random.default_rng(0), rows_by_value(factors)
    order = [np.concatenate(lists) for lists in rows]
    sizes = [np.array([len(part) for part in lists]) for lists in rows]
    starts = [np.cumsum(size) - size for size in sizes]
    shared = generator.integers(len(rows), size=TRAIN + TEST)
    points = np.empty((TRAIN + TEST, codes.shape[1]))
    for i, k in enumerate(shared):
        value = generator.integers(len(rows[k]), size=GROUP)
        drawn = starts[k][value] + (generator.random((2, GROUP)) * sizes[k][value]).astype(int)
        first, second = order[k][drawn]
        points[i] = np.abs(codes[first] - codes[second]).mean(axis=0)
    classifier = LogisticRegression().fit(points[:TRAIN], shared[:TRAIN])
    return float(classifier.score(points[TRAIN:], shared[TRAIN:]))


def plain_attributes(codes: Array, factors: Array) -> float:
    """SAP with a support vector machine for each latent and factor, on two thirds of the rows."""
    train, table = slice(2 * ROWS // 3), np.empty((codes.shape[1], factors.shape[1]))
    test = slice(train.stop, None)
    for i, j in np.ndindex(*table.shape):
        machine = LinearSVC(C=0.01, class_weight="balanced")
        machine.fit(codes[train, i, None], factors[train, j])
        table[i, j] = machine.score(codes[test, i, None], factors[test, j])
    best = np.sort(table, axis=0)[::-1]
    return float((best[0] - best[1]).mean())


PLAIN: dict[str, Callable[[Array, Array], float]] = {
    "mutual-information-gap": plain_gap,
    "factor-vae-score": plain_votes,
    "beta-vae-score": plain_differences,
    "sap": plain_attributes,
}

# -- the clock


def seconds(call: Callable[[], object]) -> float:
    """Processor time of one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def inputs(name: str, codes: Array) -> Array | list[Array]:
    """What a score is given: two models for UDR, a latent for each factor for the partitions."""
    if name == "udr":
        return [codes, noisy_code(LATENTS, 0)[0]]
    return codes[:, : len(SIZES)] if name == "partition-score" else codes


def seconds_of(name: str, seed: int, **settings: int) -> float:
    """Of a score on codes of its own, so that nothing is remembered from another score."""
    codes, factors = noisy_code(LATENTS, seed)
    given = inputs(name, codes)
    return seconds(lambda: METRICS[name](given, factors, **settings))


def peak_memory(name: str) -> float:
    """MiB that a score allocates at its peak, with many latents."""
    codes, factors = noisy_code(MANY_LATENTS, 0)
    tracemalloc.start()
    METRICS[name](codes, factors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def suite(**settings: int) -> float:
    """Seconds of all scores but DCI on the same codes, as `distaff evaluate` runs them."""
    codes, factors = noisy_code(LATENTS, 1_000 + len(settings))
    calls = [partial(METRICS[name], inputs(name, codes), factors, **settings) for name in OTHERS]
    return sum(map(seconds, calls))


def predictors() -> None:
    """Print seconds of DCI by predictor on one core and on all, which must give equal numbers."""
    codes, factors = noisy_code(LATENTS, 0)
    print(f"{'dci, seconds on the clock':30}{'one core':>15}{'all cores':>15}{'value':>10}")
    for backend in SLOW:
        scores, line = [], f"{backend:30}"
        for jobs in (1, -1):
            begin = time.perf_counter()
            scores.append(dci(codes, factors, backend=backend, jobs=jobs, repeats=0))
            line += f"{time.perf_counter() - begin:15.1f}"
        if scores[0].parts != scores[1].parts:
            raise AssertionError(f"{backend} gives other numbers on several cores")
        print(f"{line}{scores[0].value:10.3f}", flush=True)


def wide(name: str) -> str:
    """Returns a line on a score of activations, rectified mixtures of the factors with noise."""
    generator = np.random.default_rng(0)
    straight, factors = noisy_code(ACTIVATIONS, 0)
    mixed = straight[:, : len(SIZES)] @ generator.normal(size=(len(SIZES), ACTIVATIONS))
    codes = np.maximum(mixed + straight, 0).astype(np.float32)
    del straight, mixed
    score = partial(METRICS[name], codes, factors, repeats=0, **WIDE[name])
    spent = seconds(score)
    return (
        f"{name:30}{spent:15.1f}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:10.2f}"
    )


def of_activations() -> None:
    """Print seconds and memory of the scores that make sense for many activations."""
    print(f"{f'{ACTIVATIONS} activations':30}{'seconds':>15}{'GiB':>10}")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for line in pool.imap(wide, WIDE):
            print(line, flush=True)


def main() -> None:
    """Print seconds of each score, with and without interval, and of the plain procedure."""
    print(f"{'seconds':30}{'with interval':>15}{'without':>10}{'plain':>10}{'plain/without':>15}")
    for seed, name in enumerate(METRICS):
        whole = seconds_of(name, 10 * seed)
        value = seconds_of(name, 10 * seed + 2, repeats=0)
        line = f"{name:30}{whole:15.2f}{value:10.2f}"
        if name in PLAIN:
            codes, factors = noisy_code(LATENTS, 10 * seed)
            plain = seconds(partial(PLAIN[name], codes, factors))
            line += f"{plain:10.2f}{plain / value:15.1f}"
        print(line, flush=True)
    print(f"\nall but dci on the same codes, with intervals: {suite():.1f} s")
    print(f"all but dci on the same codes, without intervals: {suite(repeats=0):.1f} s")
    for name in WITH_MEMORY:
        print(f"peak memory of {name} with {MANY_LATENTS} latents: {peak_memory(name):.0f} MiB")


if __name__ == "__main__":
    {"dci": predictors, "wide": of_activations}.get("".join(sys.argv[1:]), main)()
