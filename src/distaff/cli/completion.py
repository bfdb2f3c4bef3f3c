"""The verb completion: a script with which a shell completes verbs, recipes, settings and names."""

import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from distaff.cli.train import TYRO, trainer

if TYPE_CHECKING:
    from distaff.experiment import Experiment

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
    import shtab

    from distaff.cli import GROUPS, VERBS
    from distaff.recipes import RECIPES

    parser = ArgumentParser(prog="distaff")
    commands = parser.add_subparsers()
    for name, verb in VERBS.items():
        command = commands.add_parser(name, help=_first_line(verb))
        if name == "train":
            recipes = command.add_subparsers()
            for recipe, experiment in RECIPES.items():
                what = f"{experiment.model.kind} on {experiment.data.kind}"
                _add_recipe(recipes.add_parser(recipe, help=what), recipe, experiment)
        elif name in GROUPS:
            below = command.add_subparsers()
            for each, inner in GROUPS[name].items():
                _add(below.add_parser(each, help=_first_line(inner)), inner)
        else:
            _add(command, verb)
    print(shtab.complete(parser, shell))


def _add_recipe(parser: ArgumentParser, name: str, recipe: "Experiment") -> None:
    """Adds what `distaff train RECIPE` takes: settings, and names of kinds."""
    from distaff.experiment import configs_in

    _add(parser, trainer(name, recipe))
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
            flags["nargs"] = argument.nargs if argument.nargs in ("*", "+") else None
            choices = set(argument.choices or ()) - {"None"}
            flags["choices"] = list(known or sorted(choices)) or None
        added = parser.add_argument(*(argument.option_strings or [argument.dest]), **flags)
        if "PATH" in str(argument.metavar):
            added.complete = shtab.FILE  # type: ignore[attr-defined]


def _names() -> dict[tuple[str, str], Iterable[str]]:
    """Returns the names that an argument may be, by the verb, empty for any, and the argument."""
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
