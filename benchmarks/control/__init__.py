"""The control task beside stable-baselines3: environment steps to a solved environment."""
