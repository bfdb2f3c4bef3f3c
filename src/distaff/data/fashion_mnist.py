"""Fashion-MNIST, from its official files."""

from dataclasses import dataclass

from distaff.data.config import DatasetConfig
from distaff.data.reading.idx import IdxDataset, idx_files


class FashionMnist(IdxDataset):
    """70,000 pictures of articles of clothing; the one factor is the kind of article.

    Reference: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(DatasetConfig):
        """Fashion-MNIST has no settings."""

    factor_name = "article"
    official = idx_files(
        "fashion_mnist",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        (26_421_880, 29_515, 4_422_102, 5_148),
    )
