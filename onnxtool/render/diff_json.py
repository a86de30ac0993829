"""A diff as JSON. The keys are a public contract, so each is spelled out here.

The schema is docs/json-schemas/diff-1.json.
"""

from __future__ import annotations

from onnxtool.comparison.diff import Diff
from onnxtool.comparison.difference import Difference, Impact
from onnxtool.comparison.graphs import GraphDiff
from onnxtool.comparison.metadata import Reconciliation
from onnxtool.comparison.weights import Distance, WeightComparison

DIFF_SCHEMA = "onnxtool.diff/1"
Object = dict[str, object]


def difference_report(found: Diff) -> Object:
    """Everything that differs."""
    differences = found.differences
    return {
        "schema": DIFF_SCHEMA,
        "before": {"path": str(found.before), "kind": found.kinds[0].value},
        "after": {"path": str(found.after), "kind": found.kinds[1].value},
        "worst": found.worst.value if found.worst else None,
        "counts": {
            impact.value: sum(difference.impact is impact for difference in differences)
            for impact in Impact
        },
        "graphs": [_graph(graph) for graph in found.graphs],
        "differences": [_difference(difference) for difference in found.others],
        "metadata": _metadata(found.metadata) if found.metadata else None,
    }


def _difference(difference: Difference) -> Object:
    return {
        "kind": difference.kind.value,
        "impact": difference.impact.value,
        "where": difference.where,
        "before": difference.before,
        "after": difference.after,
        "message": difference.message,
    }


def _graph(graph: GraphDiff) -> Object:
    return {
        "before": graph.before,
        "after": graph.after,
        "differences": [_difference(difference) for difference in graph.differences],
        "operators": [
            {
                "module": change.module,
                "operator": change.operator,
                "before": change.before,
                "after": change.after,
            }
            for change in graph.operators
        ],
        "renamed_nodes": [{"before": old, "after": new} for old, new in graph.renamed],
        "weights": _weights(graph.weights) if graph.weights else None,
        "not_compared": list(graph.not_compared),
    }


def _weights(weights: WeightComparison) -> Object:
    return {
        "pairs": weights.pairs,
        "identical": weights.identical,
        "renamed": [{"before": old, "after": new} for old, new in weights.renamed],
        "changed": [
            {
                "before": change.before,
                "after": change.after,
                "before_type": change.types[0],
                "after_type": change.types[1],
                "distance": _distance(change.distance) if change.distance else None,
            }
            for change in weights.changes
        ],
        "removed": list(weights.removed),
        "added": list(weights.added),
    }


def _distance(distance: Distance) -> Object:
    return {
        "max_abs": distance.max_abs,
        "relative_frobenius": distance.relative_frobenius,
        "cosine": distance.cosine,
        "non_finite": distance.non_finite,
    }


def _metadata(found: Reconciliation) -> Object:
    return {
        "file": str(found.path),
        "agrees": found.agrees,
        "fields": [
            {
                "field": check.field,
                "status": check.status.value,
                "in_graphs": check.in_graphs,
                "in_file": check.in_file,
                "source": check.source,
                "right": check.right,
            }
            for check in found.checks
        ],
    }
