"""Many processes at once on one recipe: they share what is bought, and the money that may be spent.

Unaware of locks: what is counted is the vendor's bill.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from banana_pipe.outputs import manifest
from tests.campaigns.errands import Ended
from tests.campaigns.nursery import Nursery
from tests.campaigns.projects import MATRIX, Project, Shape, damage, judge, manifest_of, published, read_lock, seed
from tests.vendor import Vendor

PROCESSES = 8
CAP = 10
FIFTY = Shape(
    "fifty",
    """
    version: 1
    vars: {numbers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}
    steps:
      cup:
        matrix: {size: [tiny, small, middling, large, huge], number: "{{ numbers }}"}
        generate: A {{ size }} cup with the number {{ number }}
    """,
    {
        f"cup/{size}/{number}": f"A {size} cup with the number {number}"
        for size in ("tiny", "small", "middling", "large", "huge")
        for number in range(1, 11)
    },
)


@pytest.mark.parametrize("answers", ["task", "at_once"])
def test_eight_processes_into_eight_folders_pay_once(
    vendor: Vendor, nursery: Nursery, tmp_path: Path, answers: str
) -> None:
    """Each request is charged once, every folder has all pictures, and no two folders differ."""
    vendor.behave(answers=answers)
    project = Project.make(tmp_path / "shop", MATRIX)
    folders = [project.out.with_name(f"matrix{number}") for number in range(PROCESSES - 1)] + [project.out]
    ended = nursery.send_all([project.errand(vendor, out=str(folder)) for folder in folders])
    assert [one.exit_code for one in ended] == [0] * PROCESSES, ended
    assert sum(one.answer["totals"]["called"] for one in ended) == len(MATRIX.pictures)
    assert judge(project, vendor).wrong == []
    assert [damage(project.cache, folder) for folder in folders] == [[]] * PROCESSES
    last = manifest_of(project.out)
    assert all(manifest.alike(manifest_of(folder), last) for folder in folders)
    assert all(published(folder) == published(project.out) for folder in folders)


@pytest.mark.parametrize("answers", ["task", "at_once"])
def test_eight_processes_into_one_folder_pay_once(
    vendor: Vendor, nursery: Nursery, tmp_path: Path, answers: str
) -> None:
    """They take turns in the folder and at the lock file: nobody undoes what another did."""
    vendor.behave(answers=answers)
    project = Project.make(tmp_path / "shop", MATRIX)
    ended = nursery.send_all([project.errand(vendor)] * PROCESSES)
    assert [one.exit_code for one in ended] == [0] * PROCESSES, ended
    assert all(one.nothing_left for one in ended)
    assert judge(project, vendor).wrong == []
    assert set(published(project.out)) == {f"{path}.png" for path in MATRIX.pictures}


def test_a_day_cap_holds_over_all_processes_and_is_used_up(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """Fifty wanted, ten allowed, eight at it: ten charges, and every process says why it stopped."""
    project = Project.make(tmp_path / "shop", FIFTY)
    ended = _eight_with_a_cap(nursery, project, vendor)
    assert [one.exit_code for one in ended] == [3] * PROCESSES, ended
    assert len(vendor.charges) == CAP
    assert sum(one.answer["totals"]["called"] for one in ended) == CAP
    assert damage(project.cache, project.out) == []
    _all_is_bought_once(nursery, project, vendor)


def test_a_day_cap_holds_where_one_of_the_processes_is_killed(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """What the dead one had reserved counts as spent until somebody knows better."""
    for number, point in enumerate(sorted(random.Random(seed()).sample(range(15, 60), 3))):
        _one_is_killed(vendor, nursery, tmp_path / str(number), point)


@pytest.mark.campaign
def test_a_day_cap_holds_wherever_one_is_killed(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """The same at each of its acts."""
    for point in range(1, 120):
        _one_is_killed(vendor, nursery, tmp_path / str(point), point)


def _one_is_killed(vendor: Vendor, nursery: Nursery, folder: Path, point: int) -> None:
    vendor.reset()
    project = Project.make(folder, FIFTY)
    ended = _eight_with_a_cap(nursery, project, vendor, kill_at=point)
    assert len(vendor.charges) <= CAP, point
    # Who took over a doubt of the dead one may have had to leave it, until a listing has proven itself.
    assert {one.exit_code for one in ended} <= {None, 3, 6}, (point, ended)
    assert damage(project.cache, project.out) == []
    _all_is_bought_once(nursery, project, vendor)


def _eight_with_a_cap(nursery: Nursery, project: Project, vendor: Vendor, kill_at: int = 0) -> list[Ended]:
    errands = [
        project.errand(
            vendor,
            out=str(project.out.with_name(f"fifty{number}")),
            budget={"max_calls_per_day": CAP},
            kill_at=kill_at if number == 0 else 0,
        )
        for number in range(PROCESSES)
    ]
    return nursery.send_all(errands)


def _all_is_bought_once(nursery: Nursery, project: Project, vendor: Vendor) -> None:
    ended = nursery.send(project.errand(vendor))
    assert ended.exit_code == 0, ended
    assert judge(project, vendor).wrong == []
    assert len(read_lock(project.lock)) == len(FIFTY.pictures)


@pytest.mark.campaign
@pytest.mark.parametrize("answers", ["task", "at_once"])
def test_many_processes_and_one_that_dies(vendor: Vendor, nursery: Nursery, tmp_path: Path, answers: str) -> None:
    """Twenty keys, sixteen processes, one of them killed at a moment drawn by lot: twenty charges."""
    lot = random.Random(seed())
    for number in range(20):
        vendor.reset()
        vendor.behave(answers=answers)
        shape = some_of(FIFTY, 20)
        project = Project.make(tmp_path / str(number), shape)
        point = lot.randint(10, 150)
        errands = [project.errand(vendor, kill_at=0 if other else point) for other in range(16)]
        ended = nursery.send_all(errands)
        assert {one.exit_code for one in ended} <= {None, 0, 6}, ended
        assert nursery.send(project.errand(vendor)).exit_code == 0
        assert judge(project, vendor).wrong == [], (number, point)
        assert set(Counter(charge.prompt for charge in vendor.charges).values()) == {1}


def some_of(shape: Shape, number: int) -> Shape:
    """The first *number* pictures of *shape*, which is FIFTY."""
    text = shape.text.replace("[tiny, small, middling, large, huge]", "[tiny, small]")
    return Shape("some", text, dict(list(shape.pictures.items())[:number]))
