"""What to feed, where a file (.npz) has the values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.errors import UsageError
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.runtime.inputs import numpy_type

Array = np.ndarray[Any, np.dtype[Any]]
# Of one array, as it is stored: a few bytes of a zip file unpack to any number.
MAX_BYTES = 1 << 30


def given_values(path: Path, known: Signature) -> dict[str, Array]:
    """The values of a file, for inputs of this graph; none where the others are meant.

    Raises:
        UsageError: It is no such file, or has a value that an input cannot take.
    """
    inputs = {spec.name: spec for spec in known.inputs}
    values = _read(path, inputs)
    for name, value in values.items():
        problem = _misfit(inputs[name], value)
        if problem:
            raise UsageError(
                f"--inputs {path}: `{name}` is {value.dtype} {list(value.shape)}",
                hint=f"the graph takes {problem}",
            )
    return values


def digest_of(values: Iterable[Array]) -> str:
    """SHA-256 of some arrays, in whatever order they are and whatever they are called."""
    each = (
        hashlib.sha256(f"{value.dtype.str}{value.shape}".encode() + value.tobytes()).hexdigest()
        for value in values
    )
    return hashlib.sha256(" ".join(sorted(each)).encode()).hexdigest()


def check_named(path: Path, graphs: Sequence[Signature]) -> None:
    """Refuse a file that has a value for no input of any graph.

    Raises:
        UsageError: With what inputs there are.
    """
    # All of them: a value that one graph takes may not fit another.
    found = [given_values(path, known) for known in graphs]
    if not any(found):
        names = sorted({spec.name for known in graphs for spec in known.inputs})
        raise UsageError(
            f"--inputs {path}: no array is named like an input",
            hint=f"there is {', '.join(names) or 'no input'}",
        )


def check_sizes(at: Mapping[str, Sequence[int]], given: Mapping[str, int]) -> None:
    """Refuse a size of an axis that given values have another size of.

    Raises:
        UsageError: With both.
    """
    for name, sizes in at.items():
        if name in given and set(sizes) != {given[name]}:
            asked = ",".join(map(str, sizes))
            raise UsageError(
                f"`{name}` would be {asked}, and is {given[name]} in the file of --inputs",
                hint="leave out one of them",
            )


def _read(path: Path, names: Mapping[str, object]) -> dict[str, Array]:
    # A pipe or a device never ends.
    if path.exists() and not path.is_file():
        raise UsageError(f"--inputs {path}: not a file", hint="write one with numpy.savez")
    try:
        # Opened here, since NumPy leaves a damaged archive open.
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            # A file of one array has no names.
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                return {}
            return dict(_arrays(path, arrays, names))
    except UsageError:
        raise
    except OSError as error:
        raise UsageError(f"--inputs {path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - of a damaged file, NumPy raises nearly anything
        told = str(error) or type(error).__name__
        raise UsageError(f"--inputs {path}: no .npz file of arrays: {told}") from None


def _arrays(
    path: Path, arrays: np.lib.npyio.NpzFile, names: Mapping[str, object]
) -> Iterator[tuple[str, Array]]:
    infos = arrays.zip.infolist() if arrays.zip else []
    sizes = {info.filename.removesuffix(".npy"): info.file_size for info in infos}
    for name in names:
        if name in arrays:
            if sizes.get(name, 0) > MAX_BYTES:
                raise UsageError(f"--inputs {path}: `{name}` is too large", hint="give less")
            value = arrays[name]
            if not isinstance(value, np.ndarray):  # The bytes of what is no array.
                raise UsageError(f"--inputs {path}: `{name}` is no array", hint="use numpy.savez")
            yield name, value


def _misfit(spec: TensorSpec, value: Array) -> str:
    """What the input takes, if that is something else; sizes that are open are the graph's."""
    wanted, sizes = numpy_type(spec), spec.shape
    is_type = value.dtype.kind in "OSU" if wanted.kind == "O" else value.dtype == wanted
    is_shape = sizes is None or (
        len(sizes) == value.ndim
        and all(
            not isinstance(size, int) or size == own
            for size, own in zip(sizes, value.shape, strict=True)
        )
    )
    if is_type and is_shape:
        return ""
    told = "" if sizes is None else f" [{', '.join(str(size or '?') for size in sizes)}]"
    return spec.dtype + told
