"""A cause for every rule of the catalog, in its order."""

from __future__ import annotations

from tests.support.planted import (
    bundle,
    caches,
    contents,
    files,
    interface,
    joint,
    lengths,
    properties,
    quantized,
    streaming,
)
from tests.support.planted.cause import Cause

CAUSES: tuple[Cause, ...] = (
    *files.CAUSES,
    *contents.CAUSES,
    *properties.CAUSES,
    *interface.CAUSES,
    *lengths.CAUSES,
    *joint.CAUSES,
    *caches.CAUSES,
    *streaming.CAUSES,
    *bundle.CAUSES,
    *quantized.CAUSES,
)
