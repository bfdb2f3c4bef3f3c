"""MNIST, from its official files."""

from dataclasses import dataclass

from distaff.data.idx import IdxDataset


class Mnist(IdxDataset):
    """70,000 handwritten digits; the one factor is the digit.

    Reference: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """MNIST has no settings."""

    folder = "mnist"
    factor_name = "digit"
    md5 = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    )
