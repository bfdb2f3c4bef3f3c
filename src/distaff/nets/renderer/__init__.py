"""Modules of a network that reads a picture into a sprite and draws it again.

A *localizer* finds it, an *extractor* cuts it out, a *classifier* (`turns`, `ring_net`) names its
shape and turn, a *memory* holds what shapes look like, and a *renderer* draws them.
"""
