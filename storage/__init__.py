"""Stores behind the ports: time series in DuckDB or InfluxDB, relational state in SQLite or PostgreSQL."""
