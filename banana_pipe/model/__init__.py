"""The types that everything else is told in: recipe, graph, request, result, plan, run.

Unaware of YAML, templates, files, stores, providers and the terminal.

Money is whole micro-dollars (`price: int`, 1 USD = 1_000_000), None where a price is unknown;
times are seconds since 1970 (UTC) as float. Sizes are bytes, lengths of pictures pixels.
"""

from banana_pipe.model.graph import Expect, FileInput, Graph, Input, Node, NodeInput, Op, Place, Skipped, UrlInput
from banana_pipe.model.names import LOCAL, Action, BaseKey, Json, Key, Url
from banana_pipe.model.recipe import Part, Recipe, Reference, Source, Step, Text
from banana_pipe.model.results import (
    ACTIVE,
    BILLED,
    COUNTED,
    SIDE_SUFFIX,
    Artifact,
    Attempt,
    AttemptState,
    Finding,
    Hit,
    Known,
    Miss,
    Open,
    Request,
    Result,
    SideFile,
)
from banana_pipe.model.runs import (
    Budget,
    Outcome,
    Output,
    Pick,
    Plan,
    PlannedNode,
    Reason,
    Run,
    RunStatus,
    State,
    Status,
    Take,
)

__all__ = [
    "ACTIVE",
    "BILLED",
    "COUNTED",
    "LOCAL",
    "SIDE_SUFFIX",
    "Action",
    "Artifact",
    "Attempt",
    "AttemptState",
    "BaseKey",
    "Budget",
    "Expect",
    "FileInput",
    "Finding",
    "Graph",
    "Hit",
    "Input",
    "Json",
    "Key",
    "Known",
    "Miss",
    "Node",
    "NodeInput",
    "Op",
    "Open",
    "Outcome",
    "Output",
    "Part",
    "Pick",
    "Place",
    "Plan",
    "PlannedNode",
    "Reason",
    "Recipe",
    "Reference",
    "Request",
    "Result",
    "Run",
    "RunStatus",
    "SideFile",
    "Skipped",
    "Source",
    "State",
    "Status",
    "Step",
    "Take",
    "Text",
    "Url",
    "UrlInput",
]
