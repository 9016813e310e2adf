"""Fixtures that every test may ask for."""

from hypothesis import settings

from tests.product import product
from tests.servers import influxd, mosquitto, postgres

__all__ = ["influxd", "mosquitto", "postgres", "product"]

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("wattline", deadline=None)
settings.load_profile("wattline")
