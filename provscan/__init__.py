"""provscan: find model-written text in training data, and prove it."""

__version__ = "0.1.0"

_PUBLIC = {
    "Index": "provscan.index.store",
    "Scanner": "provscan.run.scanner",
    "ScanOptions": "provscan.run.scan",
    "scan": "provscan.run.scan",
}
__all__ = ["Index", "ScanOptions", "Scanner", "__version__", "scan"]


def __getattr__(name: str) -> object:
    """The library's names, imported on use, so that the command line starts fast."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'provscan' has no attribute '{name}'")
