"""Where a finding is, as programs that know nothing of ONNX want to be told: a file."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from onnxtool.render.units import plain


def relative(path: Path, root: Path) -> str:
    """The path from `root`, with slashes; absolute where it lies elsewhere."""
    absolute = Path(os.path.normpath(path.absolute()))
    inside = absolute.is_relative_to(root)
    return (absolute.relative_to(root) if inside else absolute).as_posix()


def uri(path: Path, root: Path) -> str:
    """The path from `root` as a relative URI; RFC 8089's `file:` where it lies elsewhere."""
    text = relative(path, root)
    try:
        quoted = quote(os.fsencode(text))  # The bytes of the name, for names that are no UTF-8.
    except UnicodeEncodeError:  # No file can have this name.
        quoted = quote(plain(text))
    if Path(text).is_absolute():
        return f"file://{quoted}" if quoted.startswith("/") else f"file:///{quoted}"
    # RFC 3986, section 4.2: before a colon would be a scheme.
    return quoted.replace(":", "%3A")


def shown(path: Path, root: Path) -> str:
    """The path from `root`, safe to print."""
    return plain(relative(path, root))
