"""What the state of a training must look like before any of it is believed."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def check_like(given: Any, wanted: Any, where: str) -> None:
    """Refuses a value that has not the form of another one.

    Dictionaries must have the same keys, lists the same length, tensors the same shape and type,
    numbers the same type; `wanted` says no more than that.

    Args:
        given: from a file.
        wanted: a value of the same place in a state of the same training.
        where: that place, for the error.

    Raises:
        ValueError: what is wrong.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(given, Mapping) or given.keys() != wanted.keys():
            raise ValueError(f"{where} has other entries")
        for key, value in wanted.items():
            check_like(given[key], value, f"{where}.{key}")
    elif isinstance(wanted, (list, tuple)):
        if not isinstance(given, (list, tuple)) or len(given) != len(wanted):
            raise ValueError(f"{where} is no list of {len(wanted)}")
        for place, value in enumerate(wanted):
            check_like(given[place], value, f"{where}.{place}")
    elif isinstance(wanted, Tensor):
        form = (wanted.shape, wanted.dtype, torch.strided)
        if not isinstance(given, Tensor) or (given.shape, given.dtype, given.layout) != form:
            raise ValueError(f"{where} is no {wanted.dtype} tensor of shape {tuple(wanted.shape)}")
    elif isinstance(wanted, float):
        check_number(given, where)
    elif type(given) is not type(wanted):
        raise ValueError(f"{where} is {given!r:.40}")


def check_number(given: Any, where: str) -> None:
    """Refuses what is no finite number.

    Raises:
        ValueError: it is none.
    """
    if type(given) not in (int, float) or not math.isfinite(given):
        raise ValueError(f"{where} is {given!r:.40} and no finite number")


def check_count(given: Any, where: str, most: float = math.inf) -> None:
    """Refuses what is no whole number from 0 on.

    Raises:
        ValueError: it is none, or above `most`.
    """
    if type(given) is not int or not 0 <= given <= most:
        raise ValueError(f"{where} is {given!r:.40} and no whole number from 0 to {most}")


def check_entries(given: Any, names: Iterable[str], where: str) -> None:
    """Refuses what is no dictionary with these keys.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(given, dict) or set(given) != set(names):
        raise ValueError(f"{where} has other entries")


def check_adam(given: Any, optimizer: Optimizer, where: str) -> None:
    """Refuses a state that is not one of this Adam: another one can crash its fused step.

    Raises:
        ValueError: what is wrong.
    """
    check_entries(given, ("state", "param_groups"), where)
    check_like(given["param_groups"], optimizer.state_dict()["param_groups"], f"{where}.groups")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    wanted = {
        place: {
            "step": torch.zeros(()),
            "exp_avg": parameter.detach(),
            "exp_avg_sq": parameter.detach(),
        }
        for place, parameter in enumerate(parameters)
    }
    # at first there is nothing, and after steps that were skipped
    check_like(given["state"], wanted if given["state"] else {}, f"{where}.state")
