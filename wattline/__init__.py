"""The product: command line, settings, assembly and the pipeline from source to feed."""

VERSION = "0.1.0"
