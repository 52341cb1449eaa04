"""Regression on tables of numbers. `conf/` lies in this package, so its name is its entry point."""
