"""How well factors are read, as numbers, from images unlike those learnt from (R2)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from sklearn.linear_model import LinearRegression

from distaff.metrics.arrays import checked_codes, first_of_each
from distaff.metrics.compat import check_compat
from distaff.metrics.information import discretized
from distaff.metrics.labelled_codes import Judgement, LabelledCodes, labelled_codes
from distaff.metrics.prediction import lying_apart, train_and_test_rows
from distaff.metrics.threads import one_thread
from distaff.score import Active, Array, Score


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
    (see `metrics/prediction.py`).

    Args:
        codes: the representation of each image, for a VAE its posterior mean.
        factors: index of the value of each factor, or its value where it is continuous.
        held_out: for each row whether it is held out; by default a random third is.
        factor_names: for the names of the parts; by default `factor 0` and so on.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete. A continuous one is cut into cells of equal frequency.
        active: for each latent whether it counts; by default all do. One that does not is treated
            as a dead one.
        compat: None; disentanglement_lib has no such score.
        seed: of the rows held out, the halves and the shuffling.
        repeats: random halves of the rows, from which the interval is taken: where the score of
            another draw of as many images would lie, the regression included.

    Returns:
        Value with 95 % interval; as parts R2 of each factor, which may be below 0, and the number
        of dead latents; chance from shuffled factors; ceiling from the factors as codes.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, no row
            held out or none that is not, an unknown kind or any `compat`.

    Reference: Schott, von Kügelgen, Träuble, Gehler, Russell, Bethge, Schölkopf, Locatello, Brendel
    2022, "Visual representation learning does not generalize strongly within the same domain",
    ICLR, arXiv:2107.08221; Montero, Ludwig, Costa, Malhotra, Bowers 2021, "The role of
    disentanglement in generalisation", ICLR.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active)
    held = 0.0
    if held_out is not None:
        kept = first_of_each(
            checked_codes(codes, active), discretized(factors, factor_kinds).astype(np.int64)
        )
        train, test = _rows(data, held_out, len(codes), kept)
        # held-out rows first, so that they are known in a half too, but for a few at the border
        data, held = data.part(np.concatenate([test, train])), len(test) / (len(test) + len(train))

    @one_thread()
    def judge(codes: Array, labels: Array) -> Judgement:
        if held_out is None:
            train, test = train_and_test_rows(codes, None, None, None, seed)
        else:
            test, train = np.split(np.arange(len(codes)), [round(held * len(codes))])
        probe = LinearRegression().fit(codes[train], labels[train])
        errors = (probe.predict(codes[test]).reshape(len(test), -1) - labels[test]) ** 2
        shares = _shares(errors, labels)
        return Judgement(_mean(shares), data.by_factor(shares))

    return data.score(
        judge,
        estimator="linear regression",
        seed=seed,
        repeats=repeats,
        in_order=held_out is not None,
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
    return np.flatnonzero(~test & ~lying_apart(data.codes)), np.flatnonzero(test)


def _shares(errors: Array, labels: Array) -> Float[np.ndarray, " factor"]:
    return np.asarray(1 - errors.mean(axis=0) / labels.var(axis=0))


def _mean(shares: Float[np.ndarray, " factor"]) -> float:
    return float(np.maximum(0, shares).mean())
