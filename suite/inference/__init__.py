"""How fast a model answers: latency and throughput by form, batch size and threads."""
