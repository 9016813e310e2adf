"""The stages that the pipeline is made of, and what they remember."""
