"""MNIST, from its official files."""

from dataclasses import dataclass

from distaff.data.config import DatasetConfig
from distaff.data.reading.idx import IdxDataset, idx_files


class Mnist(IdxDataset):
    """70,000 handwritten digits; the one factor is the digit.

    Reference: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(DatasetConfig):
        """MNIST has no settings."""

    factor_name = "digit"
    official = idx_files(
        "mnist",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        (
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        (9_912_422, 28_881, 1_648_877, 4_542),
    )
