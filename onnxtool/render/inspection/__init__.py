"""What `inspect` found, as a document."""

from onnxtool.render.inspection.report import document

__all__ = ["document"]
