"""Benchmarks: each prints one JSON line last, with ratios measured in that one run."""
