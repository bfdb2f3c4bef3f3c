"""The verb completion: a script with which a shell completes verbs, recipes, settings and names."""

import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from distaff.errors import UsageError

if TYPE_CHECKING:
    from distaff.experiment import Experiment

SHELLS = ("bash", "fish", "zsh")
TYRO = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)
Verb = Callable[..., None]


def completion(shell: Annotated[Literal["bash", "fish", "zsh"], tyro.conf.Positional]) -> None:
    """Print a script with which the shell completes commands, recipes, settings and names.

    It holds what is installed now: print it again after installing a package of models.

    Examples:
        distaff completion bash > ~/.local/share/bash-completion/completions/distaff
        distaff completion zsh > "${fpath[1]}/_distaff"
        distaff completion fish > ~/.config/fish/completions/distaff.fish

    Args:
        shell: Which one.
    """
    raise UsageError(f"give nothing beside it: distaff completion {shell}.")


def print_completion(shell: str, verbs: Mapping[str, Verb], groups: Mapping[str, Any]) -> None:
    """Prints the script of a shell.

    Args:
        shell: bash, fish or zsh.
        verbs: by name.
        groups: verbs that other verbs follow, with these; `train` is followed by a recipe.

    Raises:
        UsageError: another shell.
    """
    import shtab

    from distaff.recipes import RECIPES

    if shell not in SHELLS:
        raise UsageError(f"no completion for {shell!r}; choose of {', '.join(SHELLS)}.")
    parser = ArgumentParser(prog="distaff")
    commands = parser.add_subparsers()
    for name, verb in verbs.items():
        if name in groups or name == "train":
            below = commands.add_parser(name, help=_first_line(verb)).add_subparsers()
            for recipe, experiment in RECIPES.items() if name == "train" else ():
                what = f"{experiment.model.kind} on {experiment.data.kind}"
                _add_recipe(below.add_parser(recipe, help=what), experiment)
            for each, inner in groups.get(name, {}).items():
                _add(below.add_parser(each, help=_first_line(inner)), inner)
        else:
            _add(commands.add_parser(name, help=_first_line(verb)), verb)
    print(shtab.complete(parser, shell))


def _add_recipe(parser: ArgumentParser, recipe: "Experiment") -> None:
    """Adds what `distaff train RECIPE` takes: settings, and names of kinds."""
    from pathlib import Path

    from distaff.experiment import Experiment, configs_in

    def train(
        experiment: Annotated[Experiment, tyro.conf.arg(name="")] = recipe,
        runs: Path = Path("runs"),
        resume: bool = False,
        json: bool = False,
    ) -> None:
        """Train it."""

    _add(parser, train)
    for path, config in configs_in(recipe):
        parser.add_argument(f"--{path}", choices=list(config.registry), help="another kind")


def _add(parser: ArgumentParser, verb: Verb) -> None:
    """Adds the arguments of a verb, with the names and files that they may be."""
    import shtab

    with warnings.catch_warnings():  # argparse's parser is what shtab reads
        warnings.simplefilter("ignore", DeprecationWarning)
        arguments = tyro.extras.get_parser(verb, config=TYRO)._actions
    names = _names()
    for argument in arguments:
        if argument.dest == "help":
            continue
        known = names.get((verb.__name__, argument.dest)) or names.get(("", argument.dest))
        help_ = " ".join(str(argument.help or "").split(". ")[0].split())
        flags: dict[str, Any] = {"help": help_.replace("%", "%%")}
        if argument.nargs == 0:
            flags["action"] = "store_true"
        else:
            flags |= {"nargs": argument.nargs if argument.nargs in ("*", "+") else None}
            flags |= {"choices": list(known) if known else argument.choices}
        added = parser.add_argument(*(argument.option_strings or [argument.dest]), **flags)
        if "PATH" in str(argument.metavar):
            added.complete = shtab.FILE  # type: ignore[attr-defined]


def _names() -> dict[tuple[str, str], Iterable[str]]:
    """Returns what an argument may be, by the verb's name, empty for all, and its own."""
    from distaff.data import DATASETS
    from distaff.illustrate import FIGURES
    from distaff.metrics import METRICS
    from distaff.studies import STUDIES

    return {
        ("study", "name"): ["list", *STUDIES],
        ("explain", "name"): METRICS,
        ("", "names"): DATASETS,
        ("", "metrics"): METRICS,
        ("", "figures"): FIGURES,
    }


def _first_line(verb: Verb) -> str:
    return str(verb.__doc__).split("\n", 1)[0]
