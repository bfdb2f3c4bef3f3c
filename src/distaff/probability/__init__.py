"""Distributions, and estimates of what they share, in nats."""
