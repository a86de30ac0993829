"""The published schemas of `--format json`, and that of SARIF."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

SCHEMAS = Path(__file__).parents[3] / "docs" / "json-schemas"
# As OASIS publishes it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/.
SARIF = Path(__file__).with_name("sarif-schema-2.1.0.json")


def validate(document: object, name: str = "inspect-1") -> None:
    """Check a document, and the schema itself.

    Raises:
        jsonschema.ValidationError: The document is not what the schema promises.
    """
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


def validate_sarif(document: object) -> None:
    """Check a SARIF log.

    Raises:
        jsonschema.ValidationError: It is none.
    """
    jsonschema.validate(document, json.loads(SARIF.read_text()), cls=jsonschema.Draft7Validator)
