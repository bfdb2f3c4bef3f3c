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


def check_state(
    state: Any, own: Mapping[str, Any], optimizers: Mapping[str, Optimizer], steps: int
) -> None:
    """Looks at the whole state of a training before any of it is used.

    Args:
        state: from a file.
        own: the state of the training that is to be resumed, as it is before.
        optimizers: of its players.
        steps: of the whole training.

    Raises:
        ValueError: what is wrong.
    """
    optional = {"validated_step", "records"} - set(state)
    check_entries(state, own.keys() - optional, "the state")
    check_count(state["step"], "step", steps)
    check_count(state.get("validated_step", 0), "validated_step", steps)
    check_like(state["model"], own["model"], "model")
    check_entries(state["optimizers"], optimizers, "optimizers")
    for name, optimizer in optimizers.items():
        check_adam(state["optimizers"][name], optimizer, f"optimizers.{name}")
    check_like(state["noise_generator"], own["noise_generator"], "noise_generator")
    check_entries(state["counts"], own["counts"], "counts")
    check_entries(state["best"], own["best"], "best")
    for place, number in (*state["counts"].items(), ("best.step", state["best"]["step"])):
        check_count(number, place)
    check_count(state["best"]["looks_since"], "best.looks_since")
    if state["best"]["objective"] != math.inf:  # before the first validation
        check_number(state["best"]["objective"], "best.objective")
    kept = own["model"] if state["best_parameters"] else {}
    check_like(state["best_parameters"], kept, "best_parameters")
    for where, record in [("sums", state["sums"])] + [
        ("records", record) for record in state.get("records", [])
    ]:
        if not isinstance(record, dict) or not all(isinstance(name, str) for name in record):
            raise ValueError(f"{where} is {record!r:.40}")
        for name, number in record.items():
            if name != "split":
                check_number(number, f"{where}.{name}")
