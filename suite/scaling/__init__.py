"""Finished runs as experiments in scaling: which belong together, and what they say."""
