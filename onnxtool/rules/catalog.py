"""Every rule, in one table: to add one, write it in its family's module and list it here."""

from __future__ import annotations

from onnxtool.rules import files, raw_logits
from onnxtool.rules.rule import Rule

CATALOG: tuple[Rule, ...] = (
    files.missing_external_file,
    raw_logits.normalized_joint_output,
)
