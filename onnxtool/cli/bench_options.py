"""The options of `bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_METHOD, _INPUTS, _SESSION = "How to measure", "What to run on", "Session options"

PathArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="A graph, a folder of graphs, or a saved run (.json) to show.",
        readable=False,
    ),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(metavar="OTHER", help="Measure this, too, in turn, and compare with it."),
]
BaselineOption = Annotated[
    Path | None, typer.Option(metavar="A.json", help="Compare with a saved run.")
]
FailOption = Annotated[
    str,
    typer.Option(
        "--fail-if-slower", metavar="PERCENT", help="Exit with 1 if it is slower by more."
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Compare unlike runs, too.")]
TuneOption = Annotated[
    bool, typer.Option("--tune", help="Try the session options, and say which to use.")
]
ProfileOption = Annotated[bool, typer.Option("--profile", help="Show where the time goes.")]
TraceOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json", help="Profile, and keep the profiler's trace (Chrome, Perfetto)."
    ),
]
NoHashOption = Annotated[
    bool, typer.Option("--no-hash", help="Do not read the weights for their SHA-256.")
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        metavar="PERCENT",
        help="Half of the 95 % interval that is precise enough.",
        rich_help_panel=_METHOD,
    ),
]
BudgetOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", min=0.1, help="For each scenario, at most.", rich_help_panel=_METHOD
    ),
]
ProcessesOption = Annotated[
    int,
    typer.Option(
        min=1, max=1000, help="Fresh processes of each model, at least.", rich_help_panel=_METHOD
    ),
]
TimeLimitOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Stop what takes longer: loading a model, or a block of runs.",
        rich_help_panel=_METHOD,
    ),
]
SizesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=SIZES",
        help="Sizes of a dynamic axis, by symbol or as INPUT:AXIS. Repeat for more axes: each size "
        "is measured with each.",
        rich_help_panel=_INPUTS,
    ),
]
InputsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz", help="Feed these arrays, by name of input.", rich_help_panel=_INPUTS
    ),
]
ManifestOption = Annotated[
    Path | None,
    typer.Option(
        metavar="MANIFEST",
        help="Decode these recordings with a folder's encoder, predictor and joint.",
        rich_help_panel=_INPUTS,
    ),
]
FrameOption = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        help="Milliseconds of audio in a feature frame.",
        show_default="of the metadata",
        rich_help_panel=_INPUTS,
    ),
]
ChunkOption = Annotated[
    str,
    typer.Option(
        metavar="FRAMES[,NEW]",
        help="Feature frames that a streaming encoder takes at a step, and how many are new.",
        show_default="found out",
        rich_help_panel=_INPUTS,
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=10_000, help="Steps of a stream.", show_default="40", rich_help_panel=_INPUTS
    ),
]
ThreadsOption = Annotated[
    str,
    typer.Option(
        metavar="COUNTS",
        help="Threads within an operator, as in 1,2; each is measured.",
        show_default="one a core",
        rich_help_panel=_SESSION,
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="arena, prepacking, spinning=on|off; execution=sequential|parallel; "
        "optimization=all|extended|basic|none. Repeat for more.",
        rich_help_panel=_SESSION,
    ),
]
FixOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=SIZE",
        help="Fix a dynamic axis when the session is created. Repeat for more.",
        rich_help_panel=_SESSION,
    ),
]
