"""How data is held, ordered, split, named and cached."""
