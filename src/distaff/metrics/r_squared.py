"""How well factors are read, as numbers, from images unlike those learnt from (R2)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from distaff.arrays import Array
from distaff.metrics.arrays import checked_codes, described, first_of_each
from distaff.metrics.information.mutual_information import discretized
from distaff.metrics.labelled_codes import LabelledCodes, labelled_codes
from distaff.metrics.prediction.classifiers import outliers, train_and_test_rows
from distaff.metrics.published.compat import check_compat
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading, one_thread, random_halves, score_of


def r_squared(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    held_out: Sequence[bool] | Array | None = None,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether what reads the factors of some images reads those of held-out ones.

    A linear regression of each factor on the latents is fitted to the rows that are not held out,
    and for each factor j

        R2_j = 1 - mean of (predicted - v_j)^2 over the rows held out / variance of v_j in all rows.

    The value is the mean over the factors, one below 0 counting as 0. Range 0 to 1, best value 1,
    chance near 0, a little above it where the rows held out vary less than all. Where the rows held
    out are compositions, values between others or values beyond them that training never showed
    (see `data/composition.py`), it says how far a code generalises; `held_out=None` holds out a
    random third, which asks only whether factors can be read in a line. A rotation of the code
    changes nothing. Factors are taken for ordered. A dead latent, one of a single value, is of no
    use.

    Published is a network from images to factors, trained as a whole, which takes the place of code
    and regression here; and its score by the same formula. Rows that lie far apart are not fitted
    (see `metrics/prediction/classifiers.py`).

    Options:
        held_out: for each row whether it is held out; by default a random third is.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete. Of a continuous one the ranks are read.
        repeats: random halves of the rows from which the interval is taken; each half keeps what
            of it is held out. It covers what as many other images would change.

    Parts: R2 of each factor, which may be below 0. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, no row
            held out or none that is not, an unknown kind or any `compat`.

    Reference: Schott, von Kügelgen, Träuble, Gehler, Russell, Bethge, Schölkopf, Locatello, Brendel
    2022, "Visual representation learning does not generalize strongly within the same domain",
    ICLR, arXiv:2107.08221; Montero, Ludwig, Costa, Malhotra, Bowers 2021, "The role of
    disentanglement in generalisation", ICLR.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, in_order=True)
    if held_out is None:
        train, test = train_and_test_rows(data.codes, None, None, None, seed)
    else:
        kept = first_of_each(
            checked_codes(codes, active),
            discretized(factors, factor_kinds, in_order=True).astype(np.int64),
        )
        train, test = _rows(data, held_out, len(codes), kept)

    count = len(data.codes)

    def shares(codes: Array, labels: Array, rows: Array) -> Float[np.ndarray, " factor"]:
        some = np.isin(np.arange(count), rows)
        learnt, read = train[some[train]], test[some[test]]
        # on raw codes, least squares drops a latent that is ten digits smaller than another
        probe = make_pipeline(StandardScaler(), LinearRegression()).fit(
            codes[learnt], labels[learnt]
        )
        errors = (probe.predict(codes[read]).reshape(len(read), -1) - labels[read]) ** 2
        return np.asarray(1 - errors.mean(axis=0) / labels.var(axis=0))

    def value(codes: Array, labels: Array, rows: Array) -> float:
        return float(np.maximum(0, shares(codes, labels, rows)).mean())

    every, labels = np.arange(count), data.labels
    with one_thread():
        shuffled = stream(seed, "shuffled factors").permutation(labels)
        halves = random_halves(count, repeats, seed)
        return score_of(
            Reading(
                value(data.codes, labels, every), data.by_factor(shares(data.codes, labels, every))
            ),
            [value(data.codes, labels, rows) for rows in halves],
            chance=value(data.codes, shuffled, every),
            ceiling=value(labels.astype(np.float64), labels, every),
            estimator=f"linear regression, {described(count, data.repeats)}",
            dead=int(data.dead.sum()),
        )


def _rows(
    data: LabelledCodes,
    held_out: Sequence[bool] | Array,
    count: int,
    kept: Int[np.ndarray, " kept"],
) -> tuple[Array, Array]:
    """Returns the rows to fit and the rows held out, of those that repeat no other."""
    given: Bool[np.ndarray, " sample"] = np.asarray(held_out)
    if given.dtype != bool or given.shape != (count,):
        raise ValueError(
            f"held_out is {given.dtype} of shape {given.shape}; give True or False for each of the "
            f"{count} rows"
        )
    test = given[kept]
    if test.all() or not test.any():
        raise ValueError(f"{test.sum()} of {len(test)} rows are held out; hold out some, not all")
    return np.flatnonzero(~test & ~outliers(data.codes)), np.flatnonzero(test)
