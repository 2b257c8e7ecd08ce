"""One seed: draw its steps, live them, mend the world, check the laws."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

import anyio.to_thread

from mobile.store import blobs
from mobile.sync import pulling
from shared import ids
from sync_server.services.passwords import PasswordHashes
from tests.sim import cast, laws, oracle
from tests.sim.disk import PowerCut
from tests.sim.site import inline
from tests.sim.steps import KINDS, draw
from tests.sim.template import Template, run
from tests.sim.world import LawBroken, Step, World

SHORTEST, LONGEST = 20, 50


@dataclass
class Story:
    """What became of a run: `broken` None where every law held."""

    seed: int
    phones: list[str]
    steps: list[Step]
    coverage: Counter[str] = field(default_factory=Counter)
    broken: BaseException | None = None
    trace: list[str] = field(default_factory=list)

    @property
    def law(self) -> str:
        """The law that was broken, or the kind of what went wrong instead."""
        if isinstance(self.broken, LawBroken):
            return self.broken.law
        return type(self.broken).__name__

    def told(self) -> str:
        """For whoever reads a failure: the seed, what broke, the steps up to there."""
        lines = [f"seed {self.seed}: {self.law}: {self.broken}", f"phones: {self.phones}"]
        return "\n".join([*lines, *self.trace[-60:], f"steps: {as_code(self.steps)}"])


def as_code(steps: Sequence[Step]) -> str:
    return "[" + ", ".join(f"({s.name!r}, {s.numbers})" for s in steps) + "]"


class Chance:
    """In the place of the module `secrets`, and of random ids: those of a seed are always the
    same."""

    def __init__(self, seed: int) -> None:
        self.randbits = Random(seed).getrandbits

    def uuid4(self) -> uuid.UUID:
        return uuid.UUID(int=self.randbits(128), version=4)


@contextmanager
def small_world() -> Iterator[None]:
    """Pages of a few rows and files of a few parts, so that much happens between them; requests
    run in the one thread there is."""
    with ExitStack() as stack:
        put = stack.enter_context
        put(patch.object(pulling, "PAGE_ROWS", 4))
        put(patch.object(blobs, "PART_BYTES", 64))
        put(patch.object(anyio.to_thread, "run_sync", inline))
        # Argon2 is tested elsewhere, and takes longer than a sync.
        put(patch.object(PasswordHashes, "make", lambda _self, _secret: "hash"))
        put(patch.object(PasswordHashes, "outdated", lambda _self, _hash: False))
        put(patch.object(PasswordHashes, "matches", lambda _self, secret, _hash: bool(secret)))
        yield


def cast_of(chance: Random) -> list[str]:
    """Three to five phones, one person with two more often than not."""
    names = list(cast.PHONES)
    chosen = chance.sample(names, chance.randrange(3, 6))
    if "lin-2" in chosen and "lin-1" not in chosen:
        chosen[0] = "lin-1" if chosen[0] != "lin-2" else chosen[0]
    return sorted(set(chosen))


def tell(
    template: Template,
    seed: int,
    *,
    steps: list[Step] | None = None,
    phones: list[str] | None = None,
) -> Story:
    """Lives one seed; or these steps, with these phones."""
    chance = Random(seed)
    chosen = cast_of(chance)
    drawn = draw(chance, chance.randrange(SHORTEST, LONGEST))
    story = Story(seed, phones or chosen, drawn if steps is None else steps)
    with (
        patch.object(ids, "secrets", Chance(seed)),
        patch.object(ids, "_last", 0),
        patch.object(uuid, "uuid4", Chance(seed).uuid4),
    ):
        world = template.world(seed, story.phones)
        world.coverage = story.coverage
        story.trace = world.trace
        try:
            run(_live(world, story.steps))
        except (Exception, oracle.Stop) as failure:  # whatever it is, the seed has failed
            story.broken = failure
        finally:
            run(_put_away(world))
    return story


async def _live(world: World, steps: Sequence[Step]) -> None:
    await world.open()
    for step in steps:
        world.say(f"{step.name} {step.numbers}")
        world.pass_time(seconds=2)
        await KINDS[step.name].run(world, *step.numbers)
        await everyone_sees_what_they_may(world)
    world.say("— mended —")
    await laws.mend(world)
    laws.check(world)


async def everyone_sees_what_they_may(world: World) -> None:
    """After each step: a screen shows no customer whose grants have all ended by the phone's own
    time (L4)."""
    oracle.grants_stay_ended(world)
    for name, phone in world.phones.items():
        try:
            oracle.screens(world, phone)
        except PowerCut:
            await world.look_after(name)


async def _put_away(world: World) -> None:
    await world.close()


def shrink(template: Template, story: Story, most: int = 200) -> Story:
    """The fewest steps with which the same law breaks, by leaving out ever smaller pieces."""
    best, size, tries = story, max(1, len(story.steps) // 2), 0
    while size >= 1 and tries < most:
        start, shorter = 0, False
        while start < len(best.steps) and tries < most:
            fewer = best.steps[:start] + best.steps[start + size :]
            tries += 1
            again = tell(template, story.seed, steps=fewer, phones=story.phones)
            if again.broken is not None and again.law == story.law:
                best, shorter = again, True
            else:
                start += size
        size = size if shorter and size > 1 else size // 2
    return best
