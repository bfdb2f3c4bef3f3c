import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stepping import run

from distaff.errors import UsageError
from distaff.experiment import Experiment
from distaff.models import build
from distaff.models.beta_vae import BetaVAE
from distaff.training.device import choose_device
from distaff.training.nonfinite import NonFiniteLossError
from distaff.training.trainer import Trainer, fit


@pytest.fixture
def make_trainer(small_experiment: Experiment) -> Any:
    """Returns a function that starts a training with some settings changed."""

    def make(seed: int = 0, smooth: bool = False, **settings: Any) -> Trainer:
        config = replace(small_experiment.data, smooth=smooth)  # type: ignore[call-arg]
        data = config.build().load()
        train = data.split("train")
        model: Any = build(small_experiment.model, train.spec, seed=seed)
        training = replace(small_experiment.training, **settings)
        return Trainer(model, train, data.split("validation"), training, seed=seed)

    return make


def equal(first: Trainer, second: Trainer) -> bool:
    a, b = first.model.state_dict(), second.model.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(make_trainer: Any) -> None:
    first, second, third = make_trainer(), make_trainer(), make_trainer(seed=1)
    assert run(first) == run(second)
    assert equal(first, second)
    run(third)
    assert not equal(first, third)


@pytest.mark.parametrize("binarize", [False, True])
@pytest.mark.parametrize("stop", [1, 7, 13])
def test_a_training_that_was_stopped_and_taken_up_ends_as_one_that_was_not(
    make_trainer: Any, stop: int, binarize: bool, tmp_path: Path
) -> None:
    whole, before, after = (make_trainer(patience=50, binarize=binarize) for _ in range(3))
    expected = run(whole)
    records = []
    while before.current_step < stop:
        records += before.step()
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    records += run(after)
    assert records == expected
    assert equal(after, whole)


def test_a_validation_that_was_broken_off_is_done_when_it_is_resumed(
    make_trainer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, before, after = (make_trainer(patience=50) for _ in range(3))
    expected = run(whole)
    records = []

    def broken_off(*_: Any) -> None:
        assert before.validating
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(before, "validate", broken_off)
        while True:
            records += before.step()
    assert (before.current_step, before.finished, before.validating) == (10, False, False)
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    records += run(after)
    assert records == expected
    assert equal(whole, after)


@pytest.fixture
def seen_images(make_trainer: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function that gives the images a model sees in some steps and in two looks."""

    def see(**settings: Any) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        trainer = make_trainer(**settings)
        seen = []
        terms = trainer.model.loss_terms

        def watched(batch: Any, noise: Any, player: Any) -> Any:
            seen.append(batch.images)
            return terms(batch, noise, player)

        monkeypatch.setattr(trainer.model, "loss_terms", watched)
        for step in (0, 1, 0):
            trainer.current_step = step
            trainer.step()
        trained = seen.copy()
        seen.clear()
        trainer.validate(trainer.validation, 32)
        trainer.validate(trainer.validation, 32)
        return trained, seen

    return see


def test_images_are_drawn_black_or_white_anew_in_training_and_alike_in_validation(
    seen_images: Any,
) -> None:
    (grey, _, grey_again), (grey_look, _) = seen_images(smooth=True)
    assert torch.equal(grey, grey_again)
    assert grey.unique().numel() > 2
    (drawn, _, drawn_again), (look, look_again) = seen_images(smooth=True, binarize=True)
    assert set(drawn.unique().tolist()) == set(look.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(drawn, drawn_again)
    assert torch.equal(look, look_again)
    certain = (grey == 0) | (grey == 1)
    assert torch.equal(drawn[certain], grey[certain])
    assert (drawn != grey).any()
    assert look.mean().item() == pytest.approx(grey_look.mean().item(), rel=0.05)


def test_training_lowers_the_objective(make_trainer: Any) -> None:
    records = run(make_trainer(steps=150, learning_rate=1e-3))
    losses = [r["objective"] for r in records if r["split"] == "validation"]
    assert losses[-1] < 0.8 * losses[0]


def test_images_are_learnt_from_in_training_mode_and_looked_at_in_evaluation_mode(
    make_trainer: Any,
) -> None:
    trainer = make_trainer(validate_every=3)
    modes = []
    terms = trainer.model.loss_terms
    trainer.model.loss_terms = lambda *words: modes.append(trainer.model.training) or terms(*words)  # type: ignore[func-returns-value]
    run(trainer)
    looks = -(-min(32, len(trainer.validation)) // 512)
    expected = []
    for step in range(1, trainer.steps + 1):
        expected += [True] + [False] * looks * (step % 3 == 0 or step == trainer.steps)
    assert modes == expected
    assert not trainer.model.training


def test_an_epoch_shows_every_image_once(make_trainer: Any) -> None:
    trainer = make_trainer()
    size = trainer.training.batch_size
    seen = []
    for step in range(len(trainer.train) // size):
        seen.append(trainer.batches.at(step).factors)
    rows = torch.cat(seen)
    assert len(rows) == len(trainer.train) // size * size
    assert len(torch.unique(rows, dim=0)) == len(rows)


def test_terms_of_the_log_are_means_over_its_steps(make_trainer: Any) -> None:
    each = [r for r in run(make_trainer(log_every=1)) if r["split"] == "train"]
    fifth = [r for r in run(make_trainer(log_every=5)) if r["split"] == "train"]
    for number, record in enumerate(fifth):
        mean = np.mean([r["kl"] for r in each[5 * number : 5 * number + 5]])
        assert record["kl"] == pytest.approx(mean, rel=1e-6)


def test_patience_stops_and_restores_the_best_parameters(make_trainer: Any) -> None:
    trainer = make_trainer(
        steps=400, validate_every=5, patience=2, minimal_gain=1e6, learning_rate=1e-3
    )
    records = run(trainer)
    looks = [r for r in records if r["split"] == "validation"]
    assert [r["step"] for r in looks] == [5, 10, 15]
    assert trainer.best.step == 5
    assert trainer.validate(trainer.validation, 32)["objective"] == pytest.approx(
        looks[0]["objective"], rel=1e-6
    )
    assert looks[-1]["objective"] < looks[0]["objective"]


def test_a_loss_that_is_not_finite_stops_before_the_step(make_trainer: Any) -> None:
    trainer = make_trainer()
    trainer.step()
    with torch.no_grad():
        next(iter(trainer.model.encoder.parameters())).fill_(math.nan)
    before = {name: value.clone() for name, value in trainer.model.decoder.state_dict().items()}
    with pytest.raises(NonFiniteLossError, match=r"step 1 .*--training.learning-rate") as caught:
        trainer.step()
    assert caught.value.batch.images.shape == (16, 1, 16, 16)
    after = trainer.model.decoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.fixture
def poisoned_fit(make_trainer: Any) -> Any:
    """Returns a function that starts a training whose loss is not finite at some steps."""

    def make(*steps: int, value: float = math.nan, **settings: Any) -> Trainer:
        trainer = make_trainer(**settings)
        terms = trainer.model.loss_terms

        def poisoned(batch: Any, noise: Any, player: Any) -> Any:
            found = terms(batch, noise, player)
            if trainer.model.training and trainer.current_step in steps:
                found["kl"] = found["kl"] * 0 + value
            return found

        trainer.model.loss_terms = poisoned
        return trainer  # type: ignore[no-any-return]

    return make


def test_an_infinite_loss_with_a_finite_gradient_stops_too(poisoned_fit: Any) -> None:
    with pytest.raises(NonFiniteLossError, match=r"step 2 \(.*kl inf, objective inf"):
        run(poisoned_fit(2, value=math.inf))


def test_a_skipped_step_changes_no_parameter_and_is_counted_in_the_log(poisoned_fit: Any) -> None:
    trainer = poisoned_fit(2, 3, on_nan="skip")
    while trainer.current_step < 2:
        trainer.step()
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    while trainer.current_step < 4:
        trainer.step()
    after = trainer.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert trainer.nonfinite_batch.batch.images.shape == (16, 1, 16, 16)
    records = run(trainer)
    lines = [record for record in records if record["split"] == "train"]
    assert [line["skipped"] for line in lines] == [2, 0, 0, 0]
    assert all(math.isfinite(v) for line in records for k, v in line.items() if k != "split")


def test_a_line_of_the_log_is_the_mean_over_the_steps_that_were_not_skipped(
    poisoned_fit: Any,
) -> None:
    steps = (1, *range(5, 11))
    each = [r for r in run(poisoned_fit(*steps, on_nan="skip", log_every=1)) if "skipped" in r]
    fifth = [r for r in run(poisoned_fit(*steps, on_nan="skip")) if "skipped" in r]
    assert [r["step"] for r in each] == [n + 1 for n in range(20) if n not in steps]
    # nothing was learnt from step 5 to 10: the line of these is left out, its count is not
    assert [(r["step"], r["skipped"]) for r in fifth] == [(5, 1), (15, 6), (20, 0)]
    for line, first in zip(fifth, (0, 5, 15), strict=True):
        mean = np.mean([r["kl"] for r in each if first < r["step"] <= line["step"]])
        assert line["kl"] == pytest.approx(mean, rel=1e-6)


def test_without_bad_batches_skipping_changes_only_the_count(make_trainer: Any) -> None:
    skipping = [{**r} for r in run(make_trainer(on_nan="skip"))]
    assert [r.pop("skipped", 0) for r in skipping] == [0] * len(skipping)
    assert skipping == run(make_trainer())


@pytest.mark.parametrize("stop", [3, 7, 9])
def test_a_training_that_skips_goes_on_to_the_bit(
    poisoned_fit: Any, stop: int, tmp_path: Path
) -> None:
    whole, before, after = (poisoned_fit(1, 5, 6, 7, 8, 9, 12, on_nan="skip") for _ in range(3))
    expected, records = run(whole), []
    while before.current_step < stop:
        records += before.step()
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert records + run(after) == expected
    assert equal(after, whole)


def test_too_many_skipped_steps_in_a_row_are_the_end(
    poisoned_fit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distaff.training.trainer.MOST_SKIPPED", 5)
    run(poisoned_fit(*range(4), *range(5, 9), on_nan="skip"))
    trainer = poisoned_fit(*range(4, 20), on_nan="skip")
    with pytest.raises(NonFiniteLossError, match="5 steps in a row had to be skipped"):
        run(trainer)
    assert trainer.current_step == 8


def test_a_clipped_gradient_is_no_longer_than_the_limit(make_trainer: Any) -> None:
    trainer = make_trainer(gradient_clip=0.5)
    trainer.step()
    gradients = [p.grad for p in trainer.model.parameters()]
    assert torch.nn.utils.get_total_norm(gradients).item() == pytest.approx(0.5, rel=1e-3)


def test_the_cosine_falls_from_the_rate_to_zero(make_trainer: Any) -> None:
    trainer = make_trainer(schedule="cosine", learning_rate=1e-2)
    rates = []
    while not trainer.finished:
        trainer.step()
        rates.append(trainer.optimizers["vae"].param_groups[0]["lr"])
    assert rates[0] == 1e-2
    assert rates[10] == pytest.approx(0.5e-2)
    assert 0 < rates[-1] < 1e-4


def test_bfloat16_stays_near_float32(make_trainer: Any) -> None:
    wide, narrow = (run(make_trainer(precision=p)) for p in ("float32", "bfloat16"))
    assert narrow[0]["objective"] == pytest.approx(wide[0]["objective"], rel=0.02)
    assert narrow != wide


def test_tf32_is_float32_where_there_is_no_cuda(make_trainer: Any) -> None:
    wide, rounded = make_trainer(), make_trainer(precision="tf32")
    assert run(wide) == run(rounded)
    assert equal(wide, rounded)


def test_fit_runs_to_the_end(make_trainer: Any, small_experiment: Experiment) -> None:
    parts = make_trainer()
    model: Any = build(small_experiment.model, parts.train.spec, seed=0)
    records = []  # type: ignore[var-annotated]
    fit(
        model,
        parts.train,
        parts.validation,
        small_experiment.training,
        seed=0,
        on_record=records.append,
    )
    assert records == run(parts)
    assert isinstance(model, BetaVAE)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="no device 'tpu'"):
        choose_device("tpu")
    assert choose_device("cpu").type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_to_the_cpu_s_losses(make_trainer: Any) -> None:
    on_cpu, on_gpu = run(make_trainer(device="cpu")), run(make_trainer(device="cuda"))
    assert on_gpu[-1]["objective"] == pytest.approx(on_cpu[-1]["objective"], rel=0.05)
