"""What `compat="disentanglement_lib"` means for the rows of a score."""

DISENTANGLEMENT_LIB = "disentanglement_lib"
TRAINING_ROWS = 10_000


def check_compat(
    compat: str | None,
    num_train: int | None = None,
    *,
    offered: bool = True,
    also: tuple[str, ...] = (),
) -> None:
    """Checks that a score can be computed the way that was asked for.

    Args:
        compat: None for the score as this package defines it, or "disentanglement_lib".
        num_train: rows that the library's definition reads; None for its default.
        offered: whether that library has the score.
        also: names of other definitions that the score offers.

    Raises:
        ValueError: another name, a score the library has not, or `num_train` without `compat`.
    """
    known = (None, DISENTANGLEMENT_LIB, *also) if offered else (None, *also)
    if compat not in known:
        offers = " or ".join(repr(name) for name in known)
        raise ValueError(f"compat={compat!r} is not offered for this score; give {offers}")
    if compat is None and num_train is not None:
        raise ValueError(
            f"num_train={num_train} asks for the first rows only, as the published code does; "
            f"give it with compat={DISENTANGLEMENT_LIB!r}, or give fewer rows"
        )


def training_rows(count: int, num_train: int | None) -> slice:
    """Returns the first rows that the library estimates from.

    Args:
        count: number of rows there are.
        num_train: how many of them; None: 10,000, or two thirds of fewer than 15,000.

    Raises:
        ValueError: more than there are.
    """
    number = min(TRAINING_ROWS, 2 * count // 3) if num_train is None else num_train
    if not 2 <= number <= count:
        raise ValueError(f"num_train={num_train}; there are {count} rows")
    return slice(number)
