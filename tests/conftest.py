"""Fixtures that every test may ask for."""

from tests.product import product
from tests.servers import influxd, mosquitto, postgres

__all__ = ["influxd", "mosquitto", "postgres", "product"]
