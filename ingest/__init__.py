"""Bytes from a broker to accepted batches: decode, normalise, validate."""
