"""The compressions that inputs are read through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from read.reading import COMPRESSORS


@pytest.fixture(params=list(COMPRESSORS), ids=lambda suffix: suffix or "plain")
def compression(request: pytest.FixtureRequest) -> tuple[str, Callable[[bytes], bytes]]:
    """A file name's end and the compressor behind it."""
    return request.param, COMPRESSORS[request.param]
