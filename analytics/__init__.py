"""Pure, clock-free steps from readings to consumption, live power and alerts."""
