"""Document 000: factors of dSprites, with some labels and with none."""

from distaff.studies.dsprites.study import DSpritesStudy

__all__ = ["DSpritesStudy"]
