"""What the methods of a model take: tensors, arrays, pictures."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from distaff.models.base import Model


def takes_arrays(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of tensors take and return NumPy arrays too.

    Tensors pass through as they are, gradients included; arrays are moved to the model's device
    as float32. Where the first argument is an array, no gradient is kept, and arrays come back.
    """
    return _accepting(method, lambda model, value: _to_tensor(value, model.device))


def takes_pictures(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of images take whatever `prepare` takes; the rest as in `takes_arrays`.

    Of tensors come tensors, with their gradients; of anything else come arrays.
    """
    return _accepting(method, lambda model, value: model.prepare(value))


def _accepting(
    method: Callable[..., Any], convert: Callable[["Model", Any], Any]
) -> Callable[..., Any]:
    @wraps(method)
    def accepting(self: "Model", first: Any, *others: Any, **named: Any) -> Any:
        rest = [_to_tensor(value, self.device) for value in others]
        by_name = {name: _to_tensor(value, self.device) for name, value in named.items()}
        given = convert(self, first)
        if given is first or isinstance(first, Tensor):
            return method(self, given, *rest, **by_name)
        with torch.no_grad():
            return _to_arrays(method(self, given, *rest, **by_name))

    return accepting


def _to_tensor(value: Any, device: torch.device) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return torch.as_tensor(value, dtype=torch.float32, device=device)


def _to_arrays(result: Any) -> Any:
    if isinstance(result, Tensor):
        return result.float().cpu().numpy()
    return type(result)(*(_to_arrays(part) for part in result))
