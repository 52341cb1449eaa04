"""Input layers that plugins share: images, tokens, sound, and any other sequence."""
