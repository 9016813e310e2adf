"""Rules tried before they are trusted: on cases in YAML, and on stored history."""
