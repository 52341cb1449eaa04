"""Image recognition: one label for each image."""
