"""M: faults of what runtimes read from a graph's own file."""

from __future__ import annotations

from pathlib import Path

import onnx

from tests.support.planted import graphs
from tests.support.planted.cause import (
    Cause,
    for_sherpa,
    for_sherpa_rnnt,
)


def without_a_key(bundle: Path) -> None:
    properties = {key: value for key, value in graphs.PROPERTIES.items() if key != "pred_hidden"}
    onnx.save(graphs.encoder(properties=properties), bundle / "encoder.onnx")


def no_number(bundle: Path) -> None:
    properties = {**graphs.PROPERTIES, "pred_hidden": "two"}
    onnx.save(graphs.encoder(properties=properties), bundle / "encoder.onnx")


def another_cache(bundle: Path) -> None:
    properties = {**graphs.PROPERTIES, **graphs.CACHES, "cache_last_channel_dim2": "70"}
    onnx.save(graphs.later(properties=properties), bundle / graphs.LATER)


def another_number(bundle: Path) -> None:
    properties = {**graphs.PROPERTIES, "vocab_size": "5"}
    onnx.save(graphs.encoder(properties=properties), bundle / "encoder.onnx")


def misleading_url(bundle: Path) -> None:
    properties = {**graphs.PROPERTIES, "url": "small-rnnt"}
    onnx.save(graphs.encoder(properties=properties), bundle / "encoder.onnx")


def no_url(bundle: Path) -> None:
    properties = {key: value for key, value in graphs.PROPERTIES.items() if key != "url"}
    onnx.save(graphs.encoder(properties=properties), bundle / "encoder.onnx")


def durations_by_url(bundle: Path) -> None:
    onnx.save(graphs.encoder(), bundle / "encoder.onnx")


CAUSES: tuple[Cause, ...] = (
    for_sherpa("M003", without_a_key),
    for_sherpa("M003", another_number),
    for_sherpa("M003", no_number),
    for_sherpa("M003", another_cache),
    for_sherpa("M004", misleading_url),
    for_sherpa("M004", no_url),
    for_sherpa_rnnt("M004", durations_by_url),
)
