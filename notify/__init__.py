"""Channels that carry alerts out of Wattline. None yet: alerts show in the API and on the live socket."""
