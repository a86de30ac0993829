"""`onnxtool manifest`: lock a release, and verify that a folder is still that release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onnxtool.cli.exits import ExitCode
from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption, OutputOption
from onnxtool.cli.output import deliver, deliver_json, progress, refuse_to_overwrite

HELP = "Lock a release, and verify that a folder is still that release."

WRITE_EXAMPLES = """
Examples:

onnxtool manifest write release/

onnxtool manifest write release/ --manifest release.lock.json
"""

VERIFY_EXAMPLES = """
Examples:

onnxtool manifest verify release/

onnxtool manifest verify repacked/ --manifest release/onnxtool.manifest.json --allow-repacked

onnxtool manifest verify release/ --format json | jq .file_changes
"""

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder of graphs.", readable=False)
]
ManifestOption = Annotated[
    Path | None,
    typer.Option("--manifest", "-m", help="The lock file.", show_default="in DIR"),
]


def write(
    folder: FolderArgument,
    manifest: ManifestOption = None,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """Lock a release: write DIR/onnxtool.manifest.json.

    It holds the SHA-256, size and mode of every file, weights included; a digest per tensor that
    does not depend on the file it is stored in; the interface of each graph; and the versions of
    what read them. The same folder gives the same bytes.
    """
    from onnxtool.release.lockfile import NAME, as_json
    from onnxtool.release.manifest import write_manifest
    from onnxtool.render.manifest import written

    path = folder / NAME if manifest is None else manifest
    refuse_to_overwrite(output, [folder, path])
    result = write_manifest(folder, path, allow_links=allow_links, progress=progress())
    if format is Format.JSON:
        deliver_json(as_json(result), output)
    else:
        deliver(written(result, path), format, output, show_all=show_all)


def verify(
    folder: FolderArgument,
    manifest: ManifestOption = None,
    allow_repacked: Annotated[
        bool,
        typer.Option("--allow-repacked", help="Accept other files with identical tensors."),
    ] = False,
    ignore_mode: Annotated[
        bool, typer.Option("--ignore-mode", help="Do not compare the permissions of files.")
    ] = False,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """Is a folder the release that its manifest describes?

    Names what changed, down to the tensor: files that are missing, extra or changed, interfaces,
    tensors. Weights that are only stored in other files are said to be repacked. Exit code 1 if
    anything changed.
    """
    from onnxtool.release.verification import verify_manifest
    from onnxtool.render.manifest import as_json, verified

    refuse_to_overwrite(output, [folder] if manifest is None else [folder, manifest])
    result = verify_manifest(
        folder, manifest, ignore_mode=ignore_mode, allow_links=allow_links, progress=progress()
    )
    if format is Format.JSON:
        deliver_json(as_json(result), output)
    else:
        deliver(verified(result), format, output, show_all=show_all)
    if not (result.identical or (allow_repacked and result.repacked)):
        raise typer.Exit(ExitCode.NEGATIVE)
