"""Latents in parts: the VAE that learns them from some labels, and the renderer that does."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.linear_model import LogisticRegression

from distaff.data import DSprites, FactorDataset, load
from distaff.data.drawing.shapes import draw_shapes
from distaff.data.sources import StoredImages
from distaff.errors import RunWarning, UsageError
from distaff.grade import SSLatentVAE, grade
from distaff.inference.recovery import read_back
from distaff.models import ModularRenderer, PartitionedRenderer, PartitionedVAE, build
from distaff.models.parts import Parts
from distaff.nets.localized import LocalizedEncoder
from distaff.nets.renderer.pose import Pose
from distaff.nets.renderer.pose_map import PoseMap, Values
from distaff.nets.renderer.renderer import render
from distaff.training.settings import Training
from distaff.training.trainer import fit
from distaff.types import Batch, DataSpec

SPEC = DataSpec((1, 16, 16), (1, 3, 40), 100, ("color", "shape", "turn"))


class TestParts:
    def test_every_value_of_forty_is_told_by_the_assignment_s_classifier(self) -> None:
        for circles in ((), ("turn",)):
            parts = Parts(SPEC, circles)
            values = np.repeat(np.arange(39), 20)
            places = 20 * parts.places[3:][values].numpy()
            assert LogisticRegression().fit(places, values).score(places, values) == 1

    def test_a_value_is_told_from_two_others_by_its_second_wave(self) -> None:
        """Places a half circle apart are one place of the second wave, and opposite ones of the
        first: what a linear classifier can then bend around."""
        places = Parts(SPEC, ("turn",)).places[3:]
        angle = 2 * math.pi * torch.arange(40) / 39
        for wave, columns in ((1, slice(0, 2)), (2, slice(2, 4))):
            expected = math.sqrt(2) * torch.stack([(wave * angle).cos(), (wave * angle).sin()], 1)
            assert torch.allclose(places[:, columns], expected, atol=1e-5)

    def test_a_straight_line_would_not_do(self) -> None:
        values = np.repeat(np.arange(39), 20)
        line = np.linspace(-20, 20, 39)[values][:, None]
        assert LogisticRegression().fit(line, values).score(line, values) < 0.8

    def test_the_last_value_of_a_circle_is_the_first(self) -> None:
        parts = Parts(SPEC, ("turn",))
        assert torch.allclose(parts.places[3], parts.places[42], atol=1e-5)
        assert torch.allclose(parts.places.square().sum(dim=1), torch.tensor(4.0))

    def test_weights_are_the_inverse_of_places_and_linear_between(self) -> None:
        for circles in ((), ("turn",)):
            parts = Parts(SPEC, circles)
            shape, turn = parts.listed
            latents = torch.cat([parts.places[:3][[0, 1, 2]], parts.places[3:][[5, 0, 38]]], dim=1)
            assert torch.allclose(parts.weights(latents, shape), torch.eye(3), atol=1e-4)
            expected = torch.eye(40)[[5, 0, 38]]
            assert torch.allclose(parts.weights(latents, turn), expected, atol=1e-3)
            angle = torch.tensor([5.25]) * (2 if circles else 1) * math.pi / 39
            between = torch.zeros(1, 8)
            between[:, 4:6] = torch.stack([angle.cos(), angle.sin()], dim=1)
            weights = parts.weights(between, turn)[0]
            assert weights[5:7].tolist() == pytest.approx([0.75, 0.25], abs=1e-4)

    def test_cross_entropy_is_the_mean_over_what_is_known(self, generator: torch.Generator) -> None:
        parts = Parts(SPEC, ())
        outputs = torch.randn(6, 43, generator=generator)
        factors = torch.tensor(
            [[0, 1, -1], [0, -1, 7], [0, 2, 0], [0, -1, -1], [0, 0, 39], [0] * 3]
        )
        found = parts.cross_entropy(parts.log_probabilities(outputs), factors)
        numbers = outputs.numpy()
        shapes = [special.log_softmax(numbers[i, :3])[factors[i, 1]] for i in (0, 2, 4, 5)]
        turns = [special.log_softmax(numbers[i, 3:])[factors[i, 2]] for i in (1, 2, 4, 5)]
        assert float(found) == pytest.approx(-np.mean(shapes) - np.mean(turns), rel=1e-5)
        unknown = torch.full_like(factors, -1)
        assert float(parts.cross_entropy(parts.log_probabilities(outputs), unknown)) == 0

    def test_a_set_in_which_nothing_varies_is_refused(self) -> None:
        with pytest.raises(UsageError, match="no factor varies"):
            Parts(DataSpec((1, 16, 16), (1,), 100), ())


class TestPartitionedVAE:
    def model(self, small_nets: dict[str, Any], **settings: Any) -> PartitionedVAE:
        config = PartitionedVAE.Config(
            **{"latents": 10, "circles": ("turn",), **small_nets} | settings
        )
        model = build(config, SPEC, seed=0)
        assert isinstance(model, PartitionedVAE)
        return model

    def test_terms_are_those_of_a_plain_loop(
        self, small_nets: dict[str, Any], generator: torch.Generator
    ) -> None:
        model = self.model(small_nets)
        images = torch.rand(5, 1, 16, 16, generator=generator).round()
        factors = torch.tensor([[0, 1, 4], [0, -1, 4], [0, 2, -1], [0, -1, -1], [0, 0, 39]])
        noise = torch.randn(5, 10, generator=generator)
        batch = Batch(images, factors, torch.ones(5, dtype=torch.bool))
        with torch.no_grad():
            terms = model.loss_terms(batch, noise, "vae")
            outputs = model.encoder(images)
            nats, divergence = 0.0, 0.0
            for row in range(5):
                shares = [outputs[row, :3].softmax(0), outputs[row, 3:43].softmax(0)]
                mean, log_std = outputs[row, 43:45], outputs[row, 45:]
                places = []
                for part, share, value in zip(
                    model.parts, shares, factors[row, 1:].tolist(), strict=True
                ):
                    own = model.parts.places[part.values]
                    places.append(own[value] if value >= 0 else share @ own)
                    divergence += float((share * (share * part.size).log()).sum())
                prior = torch.distributions.Normal(0, 1)
                free = torch.distributions.Normal(mean, log_std.exp())
                divergence += float(torch.distributions.kl_divergence(free, prior).sum())
                latents = torch.cat([torch.cat(places) + 0.01 * noise[row, :8], 0 * mean])
                latents[8:] = mean + log_std.exp() * noise[row, 8:]
                logits = model.decoder(latents[None])[0]
                pixels = torch.distributions.Bernoulli(logits=logits)
                nats -= float(pixels.log_prob(images[row]).sum())
        assert float(terms["reconstruction"]) == pytest.approx(nats / 5, rel=1e-4)
        assert float(terms["kl"]) == pytest.approx(divergence / 5, rel=1e-4)

    def test_the_factors_of_an_unlabelled_image_change_nothing(
        self, small_nets: dict[str, Any], generator: torch.Generator
    ) -> None:
        model = self.model(small_nets)
        images = torch.rand(4, 1, 16, 16, generator=generator)
        noise = torch.randn(4, 10, generator=generator)
        labelled = torch.tensor([True, True, False, False])
        first = torch.tensor([[0, 1, 4], [0, 2, 8], [0, 0, 0], [0, 0, 0]])
        for changed, same in ((3, True), (0, False)):
            second = first.clone()
            second[changed, 1:] = torch.tensor([2, 30])
            one, other = (
                model.loss_terms(Batch(images, factors, labelled), noise, "vae")
                for factors in (first, second)
            )
            assert all(torch.equal(one[name], other[name]) for name in one) is same

    def test_too_few_latents_are_refused(self, small_nets: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="the 2 factors shape, turn take 8; give as many"):
            self.model(small_nets, latents=7)

    @pytest.mark.slow
    def test_parts_are_learnt_from_some_labels(self) -> None:
        dataset = load(
            "sprites", size=32, orientations=4, positions_x=8, positions_y=8, labelled=1000
        )
        config = PartitionedVAE.Config(latents=20, encoder=LocalizedEncoder.Config(widths=(16, 32)))
        model = build(config, dataset.spec, seed=0)
        assert isinstance(model, PartitionedVAE)
        training = Training(
            steps=250,
            batch_size=96,
            labelled_per_batch=64,
            validation_images=64,
            validate_every=250,
        )
        fit(model, dataset.split("train"), dataset.split("validation"), training)
        score = grade(SSLatentVAE(model.eval()), dataset, images=800)
        assert score.value > 40
        assert {"shape", "scale", "posX"} <= {n for n, part in score.parts.items() if part > 0.8}


def on_dsprites(labels: int, **settings: Any) -> tuple[PartitionedRenderer, FactorDataset]:
    dataset = load("dsprites", labelled=labels)
    model = build(PartitionedRenderer.Config(**settings), dataset.spec, seed=0)
    assert isinstance(model, PartitionedRenderer)
    model.begin(dataset.split("train"), seed=0)
    return model.eval(), dataset


class TestPoseMap:
    def test_the_map_of_a_drawn_world_is_found(self, generator: torch.Generator) -> None:
        """The heart of dSprites is 1.99 pixels from its centroid, and pixels are 32 p + 16."""
        dataset = DSprites.Config().build().load()
        rows = torch.randperm(len(dataset), generator=generator)[:60]
        numbers = dataset.values[rows].float()
        values = Values(numbers[:, 1].long() - 1, *numbers[:, 2:].unbind(dim=1))
        poses = PoseMap(3, 64, 64)
        poses.fit(dataset.images_at(rows)[:, 0], values)
        assert poses.start.tolist() == pytest.approx([16, 16], abs=0.05)
        assert poses.pitch.tolist() == pytest.approx([32, 32], abs=0.1)
        assert float(poses.sense) == 1
        heart = (poses.centroid[2] * poses.size).tolist()
        assert heart == pytest.approx([0, -1.99], abs=0.05)
        assert poses.area.sqrt().tolist() == pytest.approx([19.2, 17.0, 15.2], abs=0.3)

    def test_a_world_that_turns_the_other_way_is_found(self, generator: torch.Generator) -> None:
        dataset = DSprites.Config().build().load()
        rows = torch.randperm(len(dataset), generator=generator)[:60]
        numbers = dataset.values[rows].float()
        poses = PoseMap(3, 64, 64)
        numbers[:, 3] *= -1
        poses.fit(
            dataset.images_at(rows)[:, 0],
            Values(numbers[:, 1].long() - 1, *numbers[:, 2:].unbind(dim=1)),
        )
        assert float(poses.sense) == -1


class TestPartitionedRenderer:
    @pytest.mark.slow
    def test_sixty_four_labels_reach_what_the_assignment_s_grader_asks(self) -> None:
        """Required are 49.6 of at most 49.707 with 16,384 labels, and mixtures of which 98 % show
        what was asked for."""
        model, dataset = on_dsprites(64)
        score = grade(SSLatentVAE(model), dataset, images=2048)
        assert score.value >= 49.55
        assert min(score.parts[name] for name in ("shape", "scale", "posX", "posY")) >= 0.999
        judge = build(ModularRenderer.Config(images=1024), dataset.spec, seed=0)
        assert isinstance(judge, ModularRenderer)
        judge.begin(dataset.split("train"), seed=0)
        rows = dataset.splits["test"][:900]
        known, first, second = rows.split(300)
        mask = torch.rand(300, 5, generator=torch.Generator().manual_seed(0)) < 0.5
        one, other = (model.encode(dataset.images_at(some)).mean for some in (first, second))
        mixed = model.decode(torch.where(mask.repeat_interleave(4, dim=1), other, one))
        values = torch.where(mask, dataset.values[second][:, 1:], dataset.values[first][:, 1:])
        values = torch.cat([torch.ones(300, 1), values], dim=1)
        found = read_back(judge, dataset, known, mixed.detach(), values)
        assert min(found[name] for name in ("shape", "scale", "x", "y")) >= 0.98
        assert found["mean error of turns in degrees"] < 3

    def test_the_posterior_is_that_of_all_values(self) -> None:
        """Against every combination of a small world, drawn and weighed one at a time."""
        data = {"size": 32, "scales": 2, "orientations": 5, "positions_x": 6, "positions_y": 6}
        dataset = load("sprites", shapes=("heart", "star"), labelled=60, **data)
        model = build(PartitionedRenderer.Config(unlabelled=0, side=60), dataset.spec, seed=0)
        assert isinstance(model, PartitionedRenderer)
        model.begin(dataset.split("train"), seed=0)
        rows = dataset.splits["test"][:6]
        images = dataset.images_at(rows)
        found = torch.from_numpy(np.asarray(model.probabilities(images.numpy())))
        sizes = [part.size for part in model.parts]
        every = torch.cartesian_prod(*(torch.arange(size) for size in sizes))
        values = model._values(every)
        pose = Pose(*(numbers.float() for numbers in model.poses.pose(values)))
        drawn = render(model.memory.templates[values.shape], pose, 32, 32).clamp(0.01, 0.99)
        for row in range(6):
            nats = torch.distributions.Bernoulli(drawn).log_prob(images[row, 0]).sum(dim=(1, 2))
            shares = nats.double().softmax(dim=0)
            for place, part in enumerate(model.parts):
                exact = torch.zeros(part.size, dtype=torch.float64)
                exact.index_add_(0, every[:, place], shares.detach())
                assert torch.allclose(found[row, part.values].double(), exact, atol=0.02)

    def test_a_centroid_that_is_off_costs_nothing(self) -> None:
        """It only proposes places, and those around them are tried as well."""
        model, dataset = on_dsprites(300, unlabelled=0, side=100)
        images = dataset.images_at(dataset.splits["test"][:100]).numpy()
        first = model.encode(images).mean
        model.poses.centroid += 0.8 / float(model.poses.size)
        # a turn that is as likely as another may change, a place may not
        same = np.isclose(model.encode(images).mean, first, atol=1e-5)[:, 12:].all(axis=1)
        assert same.mean() >= 0.98

    def test_decoding_is_differentiable_in_every_part(self) -> None:
        model, dataset = on_dsprites(200, unlabelled=0, side=100)
        rows = dataset.splits["test"][:1]
        latents = torch.from_numpy(model.encode(dataset.images_at(rows).numpy()).mean) + 0.02
        latents.requires_grad_()
        (gradient,) = torch.autograd.grad(model.decode(latents).square().sum(), latents)
        reached = [bool((gradient[:, part.latents] != 0).any()) for part in model.parts]
        assert reached == [True] * 5

    def test_odd_pictures_are_told_from_sprites(self) -> None:
        model, dataset = on_dsprites(400, unlabelled=0, side=100)
        plain = dataset.images_at(dataset.splits["test"][:200])
        half, one = torch.full((1,), 0.5), torch.ones(1)
        cut = draw_shapes(torch.tensor([0]), one, 0 * one, 0 * one - 0.5, half)[None].float()
        star = draw_shapes(torch.tensor([7]), one, 0.3 * one, half, half)[None].float()
        two = plain[:1].maximum(plain[0].flip(1, 2))
        odd = torch.cat([torch.zeros_like(cut), cut, two, star])
        for posterior in ("refined", "feed-forward"):
            model.config = replace(model.config, posterior=posterior)
            assert model.doubts(odd).tolist() == [1, 2, 3, 3]
            with pytest.warns(RunWarning, match="1 empty, 1 cut by the border, 2 unlike every"):
                model.encode(odd)
        model.config = replace(model.config, posterior="refined")
        assert int((model.doubts(plain) > 0).sum()) <= 4

    def test_black_pictures_and_values_that_do_not_rise_are_refused(self) -> None:
        dataset = load("dsprites", labelled=20)
        model = build(PartitionedRenderer.Config(unlabelled=0), dataset.spec, seed=0)
        black = StoredImages(torch.zeros(len(dataset.split("train")), 1, 64, 64, dtype=torch.uint8))
        few = dataset.split("train")
        with pytest.raises(UsageError, match="20 of 20 labelled pictures are black"):
            model.begin(replace(few, source=black), seed=0)
        with pytest.raises(UsageError, match=r"values of scale are -0.5.*rise, all above 0"):
            model.begin(replace(few, values=-few.values), seed=0)

    def test_few_labels_and_other_factors_are_refused(self) -> None:
        with pytest.raises(UsageError, match="5 training pictures are labelled, and at least 6"):
            on_dsprites(5)
        with pytest.raises(UsageError, match="factors are shape, scale, orientation, posX, posY"):
            build(PartitionedRenderer.Config(), SPEC, seed=0)
