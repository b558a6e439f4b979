"""Three recipes that share a cache and ask for some of the same: what many workers at once are sent to run.

Unaware of how the workers are stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.campaigns.errands import Ended
from tests.campaigns.kills import Answers, Listing, Scene, Station, doubts_of, judge_ended, path_of, prompts_of
from tests.campaigns.projects import CHAIN, MATRIX, ONE, Project, Verdict, damage
from tests.vendor import VendorProcess

SHAPES = (ONE, CHAIN, MATRIX)
PROMPTS = frozenset(prompt for shape in SHAPES for prompt in shape.pictures.values())
"""The distinct requests of all three."""


@dataclass(frozen=True, slots=True)
class Shop:
    """The three recipes in one project."""

    projects: Sequence[Project]
    vendor: VendorProcess

    @classmethod
    def make(cls, station: Station, answers: Answers, listing: Listing) -> Shop:
        """A new one, as `Station.project` makes it."""
        first = station.project(Scene(MATRIX, answers, listing))
        return cls([Project.make(first.root, shape) for shape in SHAPES], station.vendor)

    def damage(self) -> list[str]:
        """Everything that is not as it should be."""
        return [found for project in self.projects for found in damage(project.cache, project.out)]

    def sent_twice(self) -> list[str]:
        """What was sent a second time, though nobody has agreed to that."""
        posts = Counter(post.body["prompt"] for post in self.vendor.posts)
        return [f"{prompt!r} was sent {times} times" for prompt, times in posts.items() if times > 1]

    def finish(self, station: Station, verdict: Verdict, *, listing: bool) -> int:
        """Run each recipe to its end, and judge; how many calls were in doubt, and were left to the user."""
        doubts = {} if listing else doubts_of(self.projects[0])
        ended = [station.nursery.send(project.errand(self.vendor)) for project in self.projects]
        verdict.charged_twice += self.sent_twice()
        if not doubts:
            self._judge(ended, verdict, doubted=())
            return 0
        for project, end in zip(self.projects, ended, strict=True):
            verdict.lost += _not_parked(project, doubts, end)
        agreed = [
            station.nursery.send(project.errand(self.vendor, consent={"retry_unknown": True}))
            for project in self.projects
        ]
        prompts = {prompt for project in self.projects for prompt in prompts_of(project, _ours(project, doubts))}
        self._judge(agreed, verdict, doubted=prompts)
        return len(doubts)

    def _judge(self, ended: Sequence[Ended], verdict: Verdict, *, doubted: Iterable[str]) -> None:
        for project, end in zip(self.projects, ended, strict=True):
            others = PROMPTS - set(project.shape.pictures.values())
            verdict.add(judge_ended(end, project, self.vendor, doubted=[*others, *doubted]))


def _ours(project: Project, doubts: Iterable[str]) -> list[str]:
    """The nodes in doubt that this recipe has."""
    return [node for node in doubts if path_of(node) in project.shape.pictures]


def _not_parked(project: Project, doubts: Iterable[str], ended: Ended) -> list[str]:
    ours = _ours(project, doubts)
    wrong = [f"{node} of {project.shape.name} is not parked" for node in ours if ended.statuses.get(node) != "parked"]
    if ended.exit_code != (6 if ours else 0):
        wrong.append(f"exit code {ended.exit_code} of {project.shape.name}, in doubt are {ours}: {ended.error}")
    return wrong
