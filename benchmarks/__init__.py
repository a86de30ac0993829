"""Scripts that measure onnxtool itself: a package, so that none shadows a standard module."""
