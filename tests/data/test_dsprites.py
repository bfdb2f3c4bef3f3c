import math

import numpy as np
import pytest
import torch

from distaff.data import load

BASES = np.array([737_280, 245_760, 40_960, 1024, 32, 1])


@pytest.fixture(scope="module")
def dsprites():
    return load("dsprites")


def test_images_are_indexed_as_in_the_official_file(dsprites, real_data):
    path = real_data("dsprites/dsprites_reference_images.npz")
    with np.load(path) as file:
        known = file["label_origin"] != "matched"
        images, classes = file["imgs"][known], file["latents_classes"][known]
        values = file["latents_values"][known]
    rows = classes @ BASES
    assert np.array_equal(dsprites.images_at(rows)[:, 0].numpy(), images)
    assert np.array_equal(dsprites.factors[rows].numpy(), classes)
    assert np.allclose(dsprites.values[rows].numpy(), values)


def test_names_sizes_and_values_are_the_official_ones(dsprites):
    assert dsprites.factor_names == ("color", "shape", "scale", "orientation", "posX", "posY")
    assert dsprites.factor_sizes == (1, 3, 6, 40, 32, 32)
    assert len(dsprites) == math.prod(dsprites.factor_sizes) == 737_280
    assert dsprites.values[-1].tolist() == [1, 3, 1, 2 * math.pi, 1, 1]
    assert dsprites.values[33].tolist() == [1, 1, 0.5, 0, 1 / 31, 1 / 31]


def test_the_split_has_the_assignment_s_sizes_and_no_image_twice(dsprites):
    sizes = {name: len(rows) for name, rows in dsprites.parts.items()}
    assert sizes["train"] == 245_760
    assert sizes["supervised_train"] == 16_384
    assert sizes["test_interpolate"] == 2 * 5
    rows = torch.cat(list(dsprites.parts.values()))
    assert len(rows.unique()) == len(rows)


def test_the_split_is_the_same_everywhere(dsprites):
    assert dsprites.parts["train"][:3].tolist() == load("dsprites").parts["train"][:3].tolist()
    assert int(dsprites.parts["train"].sum()) == 90_578_960_390


def test_the_set_is_small_in_memory(dsprites):
    held = [dsprites.factors, dsprites.values, *dsprites.parts.values()]
    assert sum(t.numel() * t.element_size() for t in held) < 64 << 20
