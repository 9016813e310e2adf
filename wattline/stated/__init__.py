"""What config/*.yaml states: settings, places, devices, rules, channels and reference figures."""
