"""What of configurations, data and models that others made is believed, and what is refused."""
