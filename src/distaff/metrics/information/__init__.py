"""Estimates of entropy and mutual information, and the tables that scores read from them."""
