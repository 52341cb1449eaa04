"""The suite's sweepers, where Hydra looks for plugins."""
