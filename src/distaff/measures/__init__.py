"""Measures of decoders and latent spaces that are not scores."""
