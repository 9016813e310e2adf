"""The embedded broker, and what any broker tells of itself."""
