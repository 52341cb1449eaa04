"""Text classification: which class a short text belongs to."""
