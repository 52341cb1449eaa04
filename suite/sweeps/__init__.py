"""Sweeps: which cells they have, what became of each, and how they are run side by side."""
