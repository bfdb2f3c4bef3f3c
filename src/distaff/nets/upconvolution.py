"""The transposed convolution that doubles a map, in the form that a CPU computes fastest."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight

KERNEL, STRIDE, PADDING = 4, 2, 1


class UpConvolution(nn.ConvTranspose2d):
    """Transposed convolution with kernel 4, stride 2 and padding 1.

    Trained in float32 on a CPU, it differs from PyTorch's in speed and rounding only. Its gradients
    are taken as the convolutions that they are, and towards a single channel, where PyTorch's
    kernels leave most of each vector idle, it is a matrix product whose columns are added up.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, KERNEL, stride=STRIDE, padding=PADDING)

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Returns [batch, outside, 2 height, 2 width] of [batch, inside, height, width]."""
        if self.training and maps.device.type == "cpu" and not torch.is_autocast_enabled("cpu"):
            doubled: Tensor = _Doubled.apply(maps, self.weight, self.bias)  # type: ignore[no-untyped-call]
            return doubled
        return super().forward(maps, output_size)


class _Doubled(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if weight.shape[1] > 1:
            return functional.conv_transpose2d(maps, weight, bias, STRIDE, PADDING)
        columns = maps.movedim(1, 3).flatten(1, 2) @ weight.flatten(1)
        size = (STRIDE * maps.shape[2], STRIDE * maps.shape[3])
        images = functional.fold(columns.mT, size, KERNEL, stride=STRIDE, padding=PADDING)
        return images + bias[:, None, None]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:  # noqa: ARG004
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps, weight = ctx.saved_tensors
        if gradient.shape[1] == 1:
            # the same numbers, marked as channels last: otherwise the slow path is taken
            gradient = gradient[:, 0, :, :, None].movedim(3, 1)
        return (
            functional.conv2d(gradient, weight, stride=STRIDE, padding=PADDING),
            conv2d_weight(gradient, weight.shape, maps, stride=STRIDE, padding=PADDING),
            gradient.sum((0, 2, 3)),
        )
