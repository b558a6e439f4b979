"""The parts of the gallery: what is grouped and told, where boxes and bars stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.model import Graph
from banana_pipe.outputs.page.graph import Box, draw
from banana_pipe.outputs.page.shown import asked_before, kind_of
from banana_pipe.outputs.page.timeline import Times, timeline
from banana_pipe.outputs.page.words import scaled
from tests.outputs.builders import Pictures, graph, node, outcome, reads, take

PICTURES = Pictures()


def chains(width: int, length: int) -> Graph:
    """So many chains, each step reading the one before."""
    nodes = [
        replace(
            node(f"s{link}[c={chain}]", inputs=reads(*([f"s{link - 1}[c={chain}]"] if link else []))),
            axes=(("c", str(chain)),),
        )
        for link in range(length)
        for chain in range(width)
    ]
    return graph(*nodes)


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


@given(st.integers(1, 40), st.integers(1, 6))
def test_no_box_covers_another_and_pictures_flow_to_the_right(width: int, length: int) -> None:
    """However many nodes a step has, its box holds their cells, and stands right of what it reads."""
    drawing = draw(chains(width, length), {})
    if width * length < 2:
        assert drawing is None
        return
    assert drawing is not None
    boxes = drawing.boxes
    assert all(apart(one, other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert [box.x for box in boxes] == sorted({box.x for box in boxes})
    for box in boxes:
        assert len(box.cells) == width
        assert all(box.x < cell.x and cell.x + drawing.cell[0] < box.x + box.width for cell in box.cells)
        assert all(box.y < cell.y and cell.y + drawing.cell[1] < box.y + box.height for cell in box.cells)
    assert max(box.x + box.width for box in boxes) < drawing.width
    assert max(box.y + box.height for box in boxes) < drawing.height


def test_few_lines_go_from_node_to_node_and_many_from_step_to_step() -> None:
    """Five hundred nodes are read by their steps."""
    few, many = draw(chains(3, 3), {}), draw(chains(125, 4), {})
    assert few is not None
    assert many is not None
    assert (len(few.lines), few.fine) == (6, True)
    assert (len(many.lines), many.fine) == (3, False)
    assert sum(len(box.cells) for box in many.boxes) == 500


def test_above_a_thousand_nodes_a_step_says_how_many() -> None:
    """Nobody reads so many cells."""
    drawing = draw(chains(1_000, 2), {})
    assert drawing is not None
    assert [(box.count, box.cells) for box in drawing.boxes] == [("× 1000", ()), ("× 1000", ())]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), min_size=1, max_size=40))
def test_calls_of_one_row_do_not_overlap(calls: list[tuple[int, int]]) -> None:
    """A row is free before the next call begins in it, and there are as many rows as calls were under way at once."""
    times = Times()
    for number, (begin, seconds) in enumerate(calls):
        times.called(str(number), "mug", float(begin))
        times.moved(str(number), "mug", "SUCCEEDED", begin + seconds / 2)
        times.moved(str(number), "mug", "STORED", begin + seconds)
    line = timeline(times, graph())
    assert line is not None
    for row in range(line.rows):
        bars = sorted((bar for bar in line.bars if bar.row == row), key=lambda bar: bar.begin)
        assert all(one.end <= other.begin for one, other in pairwise(bars))
    most = max(sum(b <= begin < b + s for b, s in calls) for begin, _ in calls)
    assert line.rows == most


def test_a_call_is_told_as_waiting_provider_and_download() -> None:
    """The times of a node: when it could have begun, was sent, was ready, was here; and what is made here."""
    local = replace(node("thumb"), action="transform")
    times = Times()
    times.called("a", "mug", 12.0)
    times.moved("a", "mug", "ACCEPTED", 13.0)
    times.moved("a", "mug", "SUCCEEDED", 30.0)
    times.moved("a", "mug", "STORED", 32.0)
    times.ended("mug", 32.0, 22.0)
    times.ended("thumb", 33.0, 1.0)
    times.ended("old", 33.0, 0.0)
    line = timeline(times, graph(node("mug"), local, node("old")))
    assert line is not None
    assert [(bar.kind, bar.begin, bar.end) for bar in line.bars] == [
        ("waiting", 0.0, 2.0),
        ("provider", 2.0, 20.0),
        ("download", 20.0, 22.0),
        ("local", 22.0, 23.0),
    ]
    drawn = scaled(line)
    assert drawn is not None
    assert drawn.sums == (("waiting", "2.0 s"), ("provider", "18 s"), ("download", "2.0 s"), ("local", "1.0 s"))


def test_a_run_in_which_nothing_took_any_time_has_no_timeline() -> None:
    """All was cached."""
    times = Times()
    times.ended("mug", 33.0, 0.001)
    assert scaled(timeline(times, graph(node("mug")))) is None


def test_thousands_of_calls_are_one_shape_of_each_kind() -> None:
    """What nobody can point at needs no element of its own."""
    times = Times()
    for number in range(2_000):
        times.called(str(number), "mug", float(number))
        times.moved(str(number), "mug", "SUCCEEDED", number + 30.0)
    drawn = scaled(timeline(times, graph()))
    assert drawn is not None
    assert drawn.bars == ()
    assert [kind for kind, _ in drawn.paths] == ["provider"]


def test_states_are_named_as_people_filter_by_them() -> None:
    """Bought for money, new for nothing, made here, waiting for somebody."""
    bought, free = take(PICTURES.add("1"), bought=True), take(PICTURES.add("2"), bought=True, price=0)
    assert kind_of(outcome("mug", bought), local=False) == "bought"
    assert kind_of(outcome("mug", free), local=False) == "new"
    assert kind_of(outcome("mug", free), local=True) == "local"
    waits = outcome("mug", status="waiting", reason="pick")
    assert kind_of(replace(waits, choices=(1, 2)), local=False) == "pick"
    assert kind_of(waits, local=False) == "waiting"
    assert kind_of(outcome("mug", status="waiting", reason="cap"), local=False) == "waiting"
    assert kind_of(None, local=False) == "earlier"


def test_what_a_node_asked_before_is_known_from_the_last_manifest() -> None:
    """Only where it asks something else now; a manifest that is not as ours are says nothing."""

    def manifest(**prompts: str) -> dict[str, list[dict[str, object]]]:
        return {
            "files": [{"node": name, "picked": True, "request": {"prompt": words}} for name, words in prompts.items()]
        }

    assert asked_before(manifest(a="x", b="y", c="z"), manifest(a="x", b="Y")) == {"b": "y"}
    assert asked_before(None, manifest(a="x")) == {}
    assert asked_before({"files": ["?"]}, manifest(a="x")) == {}
