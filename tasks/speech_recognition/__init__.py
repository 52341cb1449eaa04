"""Speech recognition: keywords and transcription."""
