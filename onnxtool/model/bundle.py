"""A folder of graphs that together are one model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePath

from onnxtool.errors import ModelLoadError, OnnxToolError
from onnxtool.model.arguments import check_path, is_folder
from onnxtool.model.artifact import load_graph
from onnxtool.model.metadata import (
    METADATA_NAMES,
    VOCABULARY_NAMES,
    Metadata,
    Vocabulary,
    read_metadata,
    read_vocabulary,
)
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import Wire, wire

# What a model's folder may hold besides graphs and their weights, by file name.
COMPANIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("checksum", ("onnxtool.manifest.json",)),
    ("metadata", (*METADATA_NAMES, "config.json", "*_config.json", "*.yaml", "*.yml", "*.toml")),
    ("metadata", ("streaming.json", "*contract*.json", ".gitattributes", ".gitignore")),
    ("vocabulary", (*VOCABULARY_NAMES, "*tokens.txt", "vocab*.txt", "vocab.json", "merges.txt")),
    ("tokenizer", ("tokenizer*", "*.model", "*.vocab", "special_tokens_map.json", "bpe*")),
    ("tokenizer", ("added_tokens.json", "normalizer.json", "chat_template*", "*.jinja")),
    # Of sherpa-onnx and FunASR: words, rules that rewrite text, the mean and variance of features.
    ("language", ("lexicon*.txt", "hotwords*", "keywords*.txt", "*.fst", "*.far", "*.mvn")),
    ("labels", ("labels*", "*.names", "*.csv")),
    ("checkpoint", ("*.nemo", "*.pt", "*.ckpt", "*.safetensors")),
    ("document", ("README*", "LICENSE*", "NOTICE*", "CHANGELOG*", "*.md", "*.html", "*.pdf")),
    ("recording", ("*.wav", "*.flac", "*.mp3", "*.ogg")),
    ("test data", ("*.npz", "*.npy", "manifest*", "*manifest*.json*", "*.tsv")),
    ("checksum", ("*.sha256", "*SHA256SUMS*", "*.md5", "*.sig", "*.asc")),
    ("script", ("*.py", "*.sh", "Makefile")),
    ("of the system", (".DS_Store", "._*", "Thumbs.db", "desktop.ini")),
)


@dataclass(frozen=True)
class Member:
    """A graph of a bundle.

    Attributes:
        name: Its file name.
    """

    name: str
    view: ModelView
    signature: Signature


@dataclass(frozen=True)
class Bundle:
    """A folder of graphs, and what lies beside them.

    Attributes:
        models: Its graphs, in order of file name.
        wiring: How outputs of one graph feed inputs of another.
        metadata: Its `model_meta.json`, if there is a readable one.
        vocabulary: Its token list, if there is a readable one.
        companions: (kind, name) of the other files that a model's folder is expected to hold.
        orphans: Files that no graph refers to and that are no companions.
        unreadable: Files that should be part of it and could not be read, with the reason.
    """

    path: Path
    models: tuple[Member, ...]
    wiring: tuple[Wire, ...]
    metadata: Metadata | None
    vocabulary: Vocabulary | None
    companions: tuple[tuple[str, str], ...]
    orphans: tuple[str, ...]
    unreadable: tuple[tuple[str, OnnxToolError], ...]


# A path, or what `load` returned for it.
Source = str | os.PathLike[str] | ModelView | Bundle


def load(path: str | os.PathLike[str], *, allow_links: bool = False) -> ModelView | Bundle:
    """Read a graph, or a folder of graphs, leaving the weights on disk.

    Args:
        path: An .onnx file, or a folder that holds some.
        allow_links: Let external data be read through links; see `load_graph`.

    Returns:
        A `ModelView` for a file, a `Bundle` for a folder.

    Raises:
        ModelLoadError: There is nothing at `path`, or no ONNX model in it.
        UsageError: `path` is no path.
    """
    check_path(path, "load")
    read = load_bundle if is_folder(Path(path)) else load_graph
    return read(path, allow_links=allow_links)


def loaded(model: Source, function: str, *, allow_links: bool = False) -> ModelView | Bundle:
    """What a function was given: what `load` returned, or what it returns for a path.

    Raises:
        ModelLoadError: There is no model at the path, or none that can be read.
        UsageError: It is neither; says so of `function`.
    """
    if isinstance(model, ModelView | Bundle):
        return model
    check_path(model, function, takes="a path or what load() returns")
    return load(model, allow_links=allow_links)


def load_bundle(path: str | os.PathLike[str], *, allow_links: bool = False) -> Bundle:
    """Read the folder at `path` as one model.

    Raises:
        ModelLoadError: The folder cannot be read, or holds no graph that can be.
    """
    folder = Path(path)
    graphs = graph_files(folder)
    models, unreadable = _load_all(graphs, allow_links=allow_links)
    if not models:
        first, rest = unreadable[0][1], len(unreadable) - 1
        more = f" (and {rest} more graphs of this folder)" if rest else ""
        raise ModelLoadError(folder, f"no graph in it can be read: {first}{more}", hint=first.hint)
    metadata, vocabulary = None, None
    for name in (*METADATA_NAMES, *VOCABULARY_NAMES):
        if not os.path.lexists(folder / name):
            continue
        try:
            if name in METADATA_NAMES:
                metadata = metadata or read_metadata(folder / name)
            else:
                vocabulary = vocabulary or read_vocabulary(folder / name)
        except OnnxToolError as error:
            unreadable.append((name, error))
    located = {name for member in models for name in member.view.used_files}
    loose = list(loose_files(folder, located))
    companions = tuple((kind, name) for name in loose if (kind := companion_kind(name)))
    return Bundle(
        path=folder,
        models=tuple(models),
        wiring=wire([(member.name, member.signature) for member in models]),
        metadata=metadata,
        vocabulary=vocabulary,
        companions=companions,
        orphans=tuple(name for name in loose if not companion_kind(name)),
        unreadable=tuple(unreadable),
    )


def graph_files(folder: Path) -> list[Path]:
    """The .onnx files of a folder, in order of name.

    Raises:
        ModelLoadError: The folder cannot be read, or holds none.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ModelLoadError(folder, f"cannot be read: {error.strerror}") from None
    graphs = [entry for entry in entries if entry.suffix == ".onnx" and not entry.is_dir()]
    if graphs:
        return graphs
    nested = sorted({found.parent for found in folder.glob("*/*.onnx")})
    raise ModelLoadError(
        folder,
        "no .onnx file in this folder",
        hint=f"did you mean {nested[0]}?" if nested else "pass an .onnx file, or its folder",
    )


def _load_all(
    graphs: Sequence[Path], *, allow_links: bool
) -> tuple[list[Member], list[tuple[str, OnnxToolError]]]:
    models: list[Member] = []
    unreadable: list[tuple[str, OnnxToolError]] = []
    for path in graphs:
        try:
            view = load_graph(path, allow_links=allow_links)
            models.append(Member(path.name, view, signature(view)))
        except OnnxToolError as error:
            unreadable.append((path.name, error))
    return models, unreadable


def loose_files(folder: Path, located: Iterable[str]) -> Iterator[str]:
    """Files of the folder that no graph refers to, graphs left out, in order of name.

    Subfolders count only where external data lies in them, and not behind links: a bundle may
    stand in any folder, and the rest of that is not ours to read.
    """
    root = os.path.realpath(folder)
    inside = {PurePath(os.path.normpath(name)) for name in located}
    below = {path.parent for path in inside if not path.is_absolute() and ".." not in path.parts}
    for place in sorted({PurePath(), *below}):
        try:
            if Path(root, place) != Path(os.path.realpath(Path(root, place), strict=True)):
                continue
            with os.scandir(folder / place) as entries:
                names = sorted(e.name for e in entries if e.is_file(follow_symlinks=False))
        except (OSError, ValueError):  # No folder, or a name that none can have.
            continue
        for name in names:
            if place / name not in inside and not name.endswith(".onnx"):
                yield str(place / name)


def companion_kind(name: str) -> str | None:
    """What a file beside a model is by its name, or None for one that is not expected there."""
    base = Path(name).name
    for kind, patterns in COMPANIONS:
        if any(fnmatch(base, pattern) for pattern in patterns):
            return kind
    return None
