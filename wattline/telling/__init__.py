"""Telling people of alerts: what is due, to whom, by which channel."""
