"""provscan: find model-written text in training data, and prove it."""

__version__ = "0.1.0"
