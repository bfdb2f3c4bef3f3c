"""Predictors of factors from codes, and what they are scored by."""
