"""The published schema of `onnxtool inspect --format json`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

SCHEMA = Path(__file__).parents[3] / "docs" / "json-schemas" / "inspect-1.json"


def validate(document: object) -> None:
    """Check a document, and the schema itself.

    Raises:
        jsonschema.ValidationError: The document is not what the schema promises.
    """
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
