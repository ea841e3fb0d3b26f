"""Benchmarks: what confide itself costs, beside the models that it calls."""
