"""Channels that carry alerts out of Wattline. None yet: alerts are seen through the API and the live socket."""
