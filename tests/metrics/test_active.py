"""A latent that does not count is treated as a dead one, by every newer score."""

import numpy as np
import pytest

from distaff.metrics import METRICS

GRID = np.array(list(np.ndindex(4, 5, 6)))
NAMES = (
    *("dmig", "xmig", "dlig", "unibound", "mcc", "weak-mcc", "med", "tad", "edi", "omes"),
    *("factorized-support", "d-lsbd", "r-squared"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_latent_that_does_not_count_is_a_dead_one(name):
    factors = np.repeat(GRID, 5, axis=0)
    generator = np.random.default_rng(1)
    # the last latent is the better one for the last factor, so that it changes every score
    mixed = factors @ np.array([[1, 0.2, 0.4, 0.1], [0.1, 1, 0.6, 0], [0.2, 0.1, 0.5, 1]])
    codes = mixed + 0.3 * generator.normal(size=mixed.shape)
    dead = np.c_[codes[:, :3], np.zeros(len(codes))]
    counted, ignored, without = (
        METRICS[name](table, factors, active=active, repeats=0)
        for table, active in (
            (codes, None),
            (codes, [True, True, True, False]),
            (dead, None),
        )
    )
    assert ignored.value == pytest.approx(without.value, abs=1e-12)
    assert ignored.value != pytest.approx(counted.value, abs=1e-6)
    assert ignored.parts["dead latents"] == 1
    with pytest.raises(ValueError, match="for each of the 4 latents"):
        METRICS[name](codes, factors, active=[True])
