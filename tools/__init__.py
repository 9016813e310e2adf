"""What `make` runs around the product: set-up, checks, benchmarks. Standard library only."""
