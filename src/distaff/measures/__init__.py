"""Numbers that describe a decoder or a latent space and are no score."""
