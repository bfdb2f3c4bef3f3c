"""Models of which everything is known: a linear decoder with Gaussian noise.

x = W z + b + s e with z and e standard normal is probabilistic PCA (Tipping & Bishop 1999): the
posterior, the marginal likelihood and what hidden pixels are given seen ones are all Gaussian.
"""

from typing import Any

import torch
from torch.distributions import MultivariateNormal, kl_divergence

from distaff.likelihoods import Gaussian
from distaff.models import VAE, ConditionalVAE, build
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import DataSpec

SHAPE = (1, 4, 4)
SCALE = 0.03
"""Of all that makes a pixel, so that the images are in [0, 1]: latents and posteriors know nothing
of it, log likelihoods shift by a constant."""
STD = 0.4 * SCALE
LEFT = torch.tensor([True, True, False, False]).expand(4, 4)


def linear_model(*, kind: Any = VAE, skew: Any = 0.0, latents: Any = 2, **settings: Any) -> Any:
    """A model in float64 whose posterior is diagonal, given all pixels or the left half.

    With a skew the two columns of W are no longer orthogonal, and the posterior is correlated.
    With more latents than two the columns are random, and so are the means of the three values of
    a conditional model.
    """
    config = kind.Config(
        latents=latents,
        encoder=DenseEncoder.Config(hidden=()),
        decoder=DenseDecoder.Config(hidden=()),
        likelihood=Gaussian.Config(std=STD),
        **settings,
    )
    model: Any = build(config, DataSpec(SHAPE, (3,), 10, ("value",)), seed=0).double()
    generator = torch.Generator().manual_seed(0)
    columns = torch.empty(16, 2, dtype=torch.float64)
    for half in (LEFT.flatten(), ~LEFT.flatten()):
        drawn = torch.randn(8, 2, generator=generator, dtype=torch.float64)
        columns[half] = torch.linalg.qr(drawn)[0] * torch.tensor([1.1, 0.6])
    columns[:, 1] += skew * columns[:, 0]
    if latents > 2:
        columns = torch.randn(16, latents, generator=generator, dtype=torch.float64) / latents**0.5
    with torch.no_grad():
        model.decoder[0].weight.normal_(generator=generator).mul_(SCALE)
        model.decoder[0].weight[:, :latents] = SCALE * columns
        model.decoder[0].bias.normal_(generator=generator).mul_(SCALE).add_(0.5)
    return model


def conditional_model(**settings: Any) -> Any:
    """A linear model that is told one of three values, each with a mean image of its own."""
    return linear_model(kind=ConditionalVAE, **settings)


def draw_images(model: Any, count: Any, context: Any = None, *, seed: int = 1) -> Any:
    """Images from the model itself."""
    generator = torch.Generator().manual_seed(seed)
    latents, noise = (
        torch.randn(count, n, generator=generator, dtype=torch.float64)
        for n in (model.config.latents, 16)
    )
    weight, bias = _parameters(model, context)
    return (latents @ weight.T + bias + STD * noise).reshape(count, *SHAPE)


def exact_posterior(model: Any, images: Any, seen: Any = None, context: Any = None) -> Any:
    """Mean [batch, latent] and precision [latent, latent] of p(z|x) given the seen pixels."""
    weight, bias = _parameters(model, context)
    rows = torch.ones(16, dtype=torch.bool) if seen is None else seen.flatten()
    identity = torch.eye(weight.shape[1], dtype=torch.float64)
    precision = weight[rows].T @ weight[rows] / STD**2 + identity
    pull = (images.flatten(1) - bias)[:, rows] @ weight[rows] / STD**2
    return torch.linalg.solve(precision, pull.T).T, precision


def best_diagonal(model: Any, images: Any, seen: Any = None, context: Any = None) -> Any:
    """The diagonal Gaussian nearest to the posterior in KL(q || p), and that KL."""
    mean, precision = exact_posterior(model, images, seen, context)
    log_std = -0.5 * precision.diagonal().log()
    kl = 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision))
    return DiagonalGaussian(mean, log_std.expand_as(mean).clone()), kl.item()


def kl_to_posterior(
    model: Any, images: Any, posterior: Any, seen: Any = None, context: Any = None
) -> Any:
    """KL(q(z) || p(z|x)) of each image: log p(x) minus the bound of q."""
    mean, precision = exact_posterior(model, images, seen, context)
    std = posterior.log_std.exp()
    return torch.stack(
        [
            kl_divergence(
                MultivariateNormal(q_mean, scale_tril=q_std.diag()),
                MultivariateNormal(p_mean, precision_matrix=precision),
            )
            for q_mean, q_std, p_mean in zip(posterior.mean, std, mean, strict=True)
        ]
    )


def log_marginal(model: Any, images: Any, seen: Any = None, context: Any = None) -> Any:
    """log p(x) of the seen pixels of each image."""
    weight, bias = _parameters(model, context)
    rows = torch.ones(16, dtype=torch.bool) if seen is None else seen.flatten()
    covariance = weight @ weight.T + STD**2 * torch.eye(16, dtype=torch.float64)
    normal = MultivariateNormal(bias[..., rows], covariance[rows][:, rows])
    return normal.log_prob(images.flatten(1)[:, rows])


def conditional_mean(model: Any, images: Any, seen: Any, context: Any = None) -> Any:
    """E[x|x_seen] of each image, all pixels."""
    weight, bias = _parameters(model, context)
    mean = exact_posterior(model, images, seen, context)[0]
    return (mean @ weight.T + bias).reshape(images.shape)


def _parameters(model: Any, context: Any = None) -> Any:
    """W, [pixel, latent], and b, [pixel] or one for each image; the context comes in with the
    mean square of a latent."""
    weight, bias = model.decoder[0].weight.detach(), model.decoder[0].bias.detach()
    if context is not None:
        columns = weight[:, model.config.latents :] * model.context_size**0.5
        bias = bias + context.double() @ columns.T
    return weight[:, : model.config.latents], bias
