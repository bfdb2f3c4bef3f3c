from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import distaff
from distaff.data import ImageFolder
from distaff.errors import DataError, UsageError
from distaff.experiment import Experiment
from distaff.models import VAE, Classifier, build
from distaff.models.pictures import as_images
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.train import train
from distaff.types import DataSpec

NETS: dict[str, Any] = {
    "encoder": DenseEncoder.Config(hidden=(8,)),
    "decoder": DenseDecoder.Config(hidden=(8,)),
}


def model_of(*image_shape: Any) -> Any:
    return build(VAE.Config(latents=3, **NETS), DataSpec(image_shape, (), 10), seed=0)


@pytest.fixture
def levels() -> Any:
    return np.random.default_rng(0).integers(0, 256, (4, 3, 12, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    "kind",
    [
        *(lambda x: x, lambda x: x / 255.0, lambda x: (x / 255.0).astype(np.float32)),
        *(lambda x: torch.from_numpy(x), lambda x: torch.from_numpy(x / 255.0)),
        *(lambda x: x.transpose(0, 2, 3, 1), lambda x: torch.from_numpy(x).movedim(1, 3) / 255),
        *(lambda x: list(x), lambda x: x[::-1].copy()[::-1], lambda x: (x / 255.0).astype(">f8")),
        lambda x: [Image.fromarray(one.transpose(1, 2, 0)) for one in x],
        lambda x: (x / 255.0).astype(np.longdouble),
    ],
)
def test_pictures_are_the_same_images_however_they_were_read(levels: Any, kind: str) -> None:
    images = model_of(3, 12, 8).prepare(kind(levels))  # type: ignore[operator]
    assert (images.dtype, images.shape) == (torch.float32, (4, 3, 12, 8))
    assert torch.allclose(images, torch.from_numpy(levels.astype(np.float32) / 255), atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_taken_as_it_is(levels: Any, dtype: Any) -> None:
    images = (torch.from_numpy(levels) / 255).to(dtype)
    assert torch.equal(model_of(3, 12, 8).prepare(images), images.float())


def test_the_model_s_own_type_is_what_comes_back(levels: Any) -> None:
    assert model_of(3, 12, 8).double().prepare(levels).dtype == torch.float64


@pytest.mark.parametrize("place", [..., 0])
def test_grey_pictures_need_no_channel_and_may_have_it_first_or_last(
    levels: Any, place: Any
) -> None:
    model, grey = model_of(1, 12, 8), levels[:, 0][place]
    expected = torch.from_numpy(grey).reshape(-1, 1, 12, 8) / 255
    for given in (grey, grey[..., None], grey[..., None, :, :]):
        assert torch.equal(model.prepare(given), expected)


def test_truth_values_are_black_and_white() -> None:
    black = np.random.default_rng(0).random((2, 12, 8)) < 0.5
    images = model_of(1, 12, 8).prepare(black)
    assert torch.equal(images[:, 0], torch.from_numpy(black).float())
    assert torch.equal(model_of(1, 12, 8).prepare(torch.from_numpy(black)), images)


@pytest.mark.parametrize("whole", [np.int64, np.int32, np.int8, np.uint16])
def test_other_whole_numbers_can_mean_two_things_and_are_refused(levels: Any, whole: Any) -> None:
    model: Any = model_of(3, 12, 8)
    for given in (levels.astype(whole), (levels > 127).astype(whole)):
        with pytest.raises(UsageError, match=rf"are {whole.__name__}; give uint8 from 0 to 255"):
            model.prepare(given)
    with pytest.raises(UsageError, match="are int64; give"):
        model.encode(torch.from_numpy(levels).long())


def test_bytes_of_zeros_and_ones_are_refused(levels: Any) -> None:
    with pytest.raises(UsageError, match=r"none is above 1 of 255; give .* as bool"):
        model_of(3, 12, 8).encode((levels > 127).astype(np.uint8))
    assert not model_of(3, 12, 8).prepare(0 * levels).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x * 255, "from 0 to 255"),
        (lambda x: 2 * x - 1, "from -1 to 1"),
        (lambda x: np.where(x > 0.5, np.nan, x), "from nan to nan"),
        (lambda x: np.where(x > 0.5, np.inf, x), "from 0 to inf"),
    ],
)
def test_values_outside_of_zero_to_one_are_refused_everywhere(
    levels: Any, change: Any, said: str
) -> None:
    images = change(levels / 255.0)
    model: Any = model_of(3, 12, 8)
    spec = DataSpec((3, 12, 8), (4,), 10, ("who",))
    classifier: Any = build(Classifier.Config(encoder=NETS["encoder"]), spec, seed=0)
    for given in (images, torch.from_numpy(images)):
        for ask in (model.encode, model.reconstruct, model.traverse, classifier.probabilities):
            with pytest.raises(UsageError, match=f"images have values {said}; give uint8"):
                ask(given)


@pytest.mark.parametrize(
    "shape",
    [(12, 8), (4, 12, 8), (4, 1, 12, 8), (4, 3, 8, 12), (4, 12, 8, 4), (), (1, 4, 3, 12, 8)],
)
def test_arrays_of_another_shape_are_refused(shape: Any) -> None:
    with pytest.raises(UsageError, match=r"images have the shape .*takes \(batch, 3, 12, 8\)"):
        model_of(3, 12, 8).encode(np.zeros(shape))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    model: Any = model_of(3, 12, 8)
    with pytest.raises(UsageError, match="pictures are dict; give paths"):
        as_images({}, (3, 12, 8), "refuse")
    with pytest.raises(UsageError, match="no picture in the list"):
        model.encode([])
    with pytest.raises(DataError, match=r"none.png is not a readable picture"):
        model.encode(tmp_path / "none.png")
    with pytest.raises(DataError, match="32 bits a value"):
        model.encode(Image.fromarray(np.ones((12, 8), np.float32)))


def test_one_picture_is_traversed_and_no_more(levels: Any) -> None:
    model: Any = model_of(3, 12, 8)
    moved = model.traverse(levels[0], (-1.0, 1.0))
    assert np.allclose(moved, model.traverse(levels[:1], (-1.0, 1.0)))
    assert moved.shape == (3, 2, 3, 12, 8)
    with pytest.raises(UsageError, match="4 pictures given to be traversed"):
        model.traverse(levels)


def test_gradients_flow_into_images_and_a_training_step_looks_at_no_value(levels: Any) -> None:
    model: Any = model_of(3, 12, 8)
    images = torch.from_numpy(levels / 255.0).requires_grad_()
    (gradient,) = torch.autograd.grad(model.encode(images).mean.sum(), images)
    plain = (levels / 255.0).astype(np.float32)
    leaf = torch.from_numpy(plain).requires_grad_()
    (expected,) = torch.autograd.grad(model.encoder(leaf)[:, :3].sum(), leaf)
    assert torch.allclose(gradient.float(), expected)
    means = torch.func.vmap(lambda image: model.posterior(image[None]).mean[0])(leaf)
    assert torch.allclose(means, model.encode(leaf).mean, atol=1e-6)


@pytest.mark.parametrize("resize", ["crop", "stretch"])
def test_a_run_s_model_cuts_and_resizes_as_the_run_did(
    small_experiment: Experiment, tmp_path: Path, resize: str
) -> None:
    """Codes of the files, and of the same pictures opened, are those of the loaded set."""
    generator = np.random.default_rng(0)
    for place in range(6):
        picture = Image.fromarray(generator.integers(0, 256, (40, 31, 3), dtype=np.uint8))
        (tmp_path / "p").mkdir(exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = 1 + place  # turned in six ways
        picture.save(tmp_path / "p" / f"{place}.png", exif=exif)
    data = ImageFolder.Config(path=str(tmp_path / "p"), size=16, resize=resize, channels="grey")  # type: ignore[arg-type]
    (run,) = train(replace(small_experiment, data=data), tmp_path / "runs")
    model, dataset = distaff.load(tmp_path / "runs"), run.load_dataset()
    paths = sorted((tmp_path / "p").glob("*.png"))
    expected = dataset.images_at(range(6))
    assert torch.equal(model.prepare(paths), expected)
    assert torch.equal(model.prepare([Image.open(path) for path in paths]), expected)
    codes = model.encode([str(path) for path in paths]).mean
    assert isinstance(codes, np.ndarray)
    assert np.allclose(codes, model.encode(expected).mean.detach(), atol=1e-6)
    assert torch.equal(model.prepare(paths[2]), expected[2:3])


def test_a_model_without_a_size_of_its_own_pictures_takes_that_of_its_images(
    tmp_path: Path,
) -> None:
    Image.new("L", (8, 12), 255).save(tmp_path / "right.png")
    Image.new("L", (9, 12)).save(tmp_path / "wide.png")
    model: Any = model_of(1, 12, 8)
    assert torch.equal(model.prepare(tmp_path / "right.png"), torch.ones(1, 1, 12, 8))
    with pytest.raises(
        DataError, match=r"wide.png is 12 x 9 pixels and size is 12 x 8; let resize"
    ):
        model.prepare(tmp_path / "wide.png")
    model.resize = "crop"
    assert model.prepare(tmp_path / "wide.png").shape == (1, 1, 12, 8)
