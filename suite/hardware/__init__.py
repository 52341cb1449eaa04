"""Measures time, throughput, FLOPs and memory, and describes the machine."""
