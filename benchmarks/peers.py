"""Images a second of a training step: distaff, a plain PyTorch loop, and pythae, in one run.

Run with `python benchmarks/peers.py` (extra `bench`); about six minutes on two cores. The
beta-VAE on 64 x 64 dSprites with the nets of the library's defaults, batches of 64, float32, Adam,
two threads. distaff is timed as `train` runs it, drawing of the images included; the others read
theirs from memory, which is faster than what a set of this size allows them.
"""

import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from turns import THREADS, serve, spread, take_turns

from distaff.data import load
from distaff.models import BetaVAE, build
from distaff.training import Training
from distaff.training.trainer import Trainer

BATCH, LATENTS, BETA, RATE = 64, 10, 4.0, 1e-3
STEPS, ROUNDS, STARTS = 10, 5, 7
PEAK_SIDE, PRODUCTS = 2048, 10


def encoder() -> nn.Sequential:
    """The layers of distaff's encoder, as the papers' tables name them."""
    layers: list[nn.Module] = []
    for inside, outside in ((1, 32), (32, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(inside, outside, 4, stride=2, padding=1), nn.ReLU()]
    dense = [nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * LATENTS)]
    return nn.Sequential(*layers, nn.Flatten(), *dense)


def decoder() -> nn.Sequential:
    """The layers of distaff's decoder."""
    dense = [nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU()]
    layers: list[nn.Module] = [*dense, nn.Unflatten(1, (64, 4, 4))]
    for inside, outside in ((64, 64), (64, 32), (32, 32)):
        layers += [nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1))


def distaff_turn() -> Callable[[], object]:
    """Steps of the library's own loop."""
    data = load("dsprites")
    training = Training(steps=10**6, log_every=100, validate_every=10**6, device="cpu")
    train = data.split("train")
    model = build(BetaVAE.Config(latents=LATENTS, beta=BETA), train.spec, seed=0)
    assert [p.shape for p in model.parameters()] == [
        p.shape for net in (encoder(), decoder()) for p in net.parameters()
    ]
    trainer = Trainer(model, train, data.split("validation"), training, seed=0)
    return lambda: [trainer.step() for _ in range(STEPS)]


def _images() -> Tensor:
    return load("dsprites").split("train").images_at(torch.arange(STEPS * BATCH))


def plain_loss(encode: nn.Module, decode: nn.Module, images: Tensor) -> Tensor:
    """The objective as a tutorial writes it."""
    mean, log_variance = encode(images).chunk(2, dim=1)
    latents = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
    logits = decode(latents)
    bce = functional.binary_cross_entropy_with_logits(logits, images, reduction="sum")
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    loss: Tensor = (bce + BETA * kl) / len(images)
    return loss


def plain_turn() -> Callable[[], object]:
    """An epoch of the loop of a tutorial."""
    encode, decode = encoder(), decoder()
    optimizer = torch.optim.Adam([*encode.parameters(), *decode.parameters()], lr=RATE)
    loader = DataLoader(TensorDataset(_images()), batch_size=BATCH, shuffle=True)

    def turn() -> None:
        for (images,) in loader:
            optimizer.zero_grad()
            loss = plain_loss(encode, decode, images)
            loss.backward()
            optimizer.step()
            loss.item()

    return turn


def pythae_turn() -> Callable[[], object]:
    """An epoch of pythae's trainer, with its data loader and callbacks."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    images = _images()
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), learning_rate=RATE, per_device_train_batch_size=BATCH
    )
    with contextlib.redirect_stdout(sys.stderr):
        trainer = BaseTrainer(
            pythae_model(BETA),
            BaseDataset(images, torch.zeros(len(images))),
            training_config=config,
        )
        trainer.prepare_training()
    return lambda: trainer.train_step(epoch=1)


def pythae_model(beta: float) -> nn.Module:
    """The beta-VAE of pythae with the same nets."""
    from pythae.models import BetaVAE as PythaeBetaVAE
    from pythae.models import BetaVAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = encoder()

        def forward(self, images: Tensor) -> ModelOutput:
            mean, log_variance = self.net(images).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = decoder()

        def forward(self, latents: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.net(latents).sigmoid())

    config = BetaVAEConfig(
        input_dim=(1, 64, 64), latent_dim=LATENTS, beta=beta, reconstruction_loss="bce"
    )
    model: nn.Module = PythaeBetaVAE(config, encoder=Encoder(), decoder=Decoder())
    return model


def matmul_turn() -> Callable[[], object]:
    """Products of large matrices, for the machine's limit."""
    left, right = torch.rand(2, PEAK_SIDE, PEAK_SIDE)
    return lambda: [left @ right for _ in range(PRODUCTS)]


def operations_per_image() -> float:
    """Multiplications and additions of forward and backward."""
    with FlopCounterMode(display=False) as counter:
        plain_loss(encoder(), decoder(), torch.zeros(BATCH, 1, 64, 64)).backward()
    return float(counter.get_total_flops()) / BATCH


CONTESTANTS = {
    "distaff": distaff_turn,
    "plain PyTorch": plain_turn,
    "pythae 0.1.2": pythae_turn,
    "matmul": matmul_turn,
}


def main() -> None:
    """Lets all take turns and prints images a second, ratios and shares of the peak."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    if len(sys.argv) > 1:
        serve(CONTESTANTS[sys.argv[1]]())
        return
    *steps, products = take_turns(
        [(__file__, name) for name in CONTESTANTS], rounds=ROUNDS, starts=STARTS
    )
    peak = 2 * PEAK_SIDE**3 * PRODUCTS / min(products)
    operations = operations_per_image()
    print(f"{operations / 1e6:.0f} Mflop an image; matmul peak {peak / 1e9:.0f} Gflop/s\n")
    for name, seconds in zip(CONTESTANTS, steps, strict=False):
        rates = [STEPS * BATCH / each for each in seconds]
        ratios = [own / ours for own, ours in zip(seconds, steps[0], strict=True)]
        print(
            f"{name:14} {spread(rates, '{:.0f}'):22} images/s   "
            f"{operations * statistics.median(rates) / peak:4.0%} of matmul peak   "
            f"distaff is {spread(ratios)} times as fast"
        )


if __name__ == "__main__":
    main()
