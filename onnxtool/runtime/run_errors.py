"""What can become of a run."""

from __future__ import annotations

from onnxtool.errors import OnnxToolError


class RunError(OnnxToolError):
    """The graph was not run to its end; `message` says what ONNX Runtime says."""


class RunRefusedError(RunError):
    """ONNX Runtime gave an error: of the model, or of what it was fed."""


class RunMemoryError(RunError):
    """A run needed more memory than there is, or than it may have."""


class RunCrashError(RunError):
    """The process that ran the graph died."""


class RunTimeoutError(RunError):
    """The graph did not come to an end in time, and was stopped."""
