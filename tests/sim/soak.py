"""Live many seeds: `make soak SEEDS=n SEED=s JOBS=j`, or for a time (`--seconds`).

Prints how often each fault and interleaving happened, and stops at the first seed that breaks a
law, with its shortest story and how to live it again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from tests.sim import on_postgres, run, template
from tests.sim.coverage import table

MEMORY = Path("/dev/shm")
REPORT_EVERY = 20
"""Seeds between two words of a worker to the one who started it."""


@dataclass
class Heard:
    """What a worker has to say: how many seeds held, what happened in them, which one failed."""

    seeds: int = 0
    coverage: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    done: bool = False


def scratch() -> Path:
    """A folder for databases; in memory where there is such a place."""
    return Path(tempfile.mkdtemp(prefix="huifang-sim-", dir=MEMORY if MEMORY.is_dir() else None))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seed", type=int, help="the first; drawn if left out")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="end after so long, whatever is left")
    parser.add_argument("--keep-going", action="store_true", help="count failures, do not stop")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # or sets of names would come in another order
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.sim.soak", *sys.argv[1:]])
    first = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    print(f"simulation: seeds {first} and on, {asked.jobs} at a time", flush=True)
    started = time.monotonic()
    ends = started + asked.seconds if asked.seconds else None
    total = _all(asked, first, ends)
    spent = time.monotonic() - started
    print(table(total.coverage, total.seeds))
    print(f"{total.seeds} seeds in {spent:.0f} s ({total.seeds / spent:.1f}/s), first {first}")
    if total.failure:
        print(total.failure)
        return 1
    print("every law held")
    return 0


def _all(asked: argparse.Namespace, first: int, ends: float | None) -> Heard:
    context = multiprocessing.get_context("spawn")
    said: Any = context.Queue()
    workers = [
        context.Process(
            target=_work,
            args=(asked, range(first + n, first + asked.seeds, asked.jobs), ends, said),
        )
        for n in range(asked.jobs)
    ]
    for worker in workers:
        worker.start()
    total, left, reported = Heard(), len(workers), 0
    while left and not (total.failure and not asked.keep_going):
        try:
            heard: Heard = said.get(timeout=5)
        except Empty:
            if not any(worker.is_alive() for worker in workers):
                total.failure = total.failure or "a worker died without a word"
                break
            continue
        total.seeds += heard.seeds
        total.coverage += heard.coverage
        total.failure += heard.failure
        if heard.failure and asked.keep_going:
            print(heard.failure, flush=True)
        left -= heard.done
        if total.seeds - reported >= 500:
            reported = total.seeds
            print(f"{reported} seeds held", flush=True)
    for worker in workers:
        if left:  # somebody failed, and the others need not go on
            worker.terminate()
        worker.join()
    return total


def _work(asked: argparse.Namespace, seeds: range, ends: float | None, said: Any) -> None:
    folder = scratch()
    signal.signal(signal.SIGTERM, _leave)
    try:
        with run.small_world(), on_postgres.server() if asked.postgres else nullcontext() as url:
            made = template.make(folder, url)
            heard = Heard()
            for seed in seeds:
                if ends is not None and time.monotonic() >= ends:
                    break
                story = run.tell(made, seed)
                heard.coverage += story.coverage
                if story.broken is None:
                    heard.seeds += 1
                else:
                    heard.failure = _failure(made, story, shorten=not asked.keep_going)
                if heard.seeds >= REPORT_EVERY or heard.failure:
                    said.put(heard)
                    heard = Heard()
            heard.done = True
            said.put(heard)
    except SystemExit:
        raise
    except BaseException:
        said.put(Heard(failure=traceback.format_exc(), done=True))
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _leave(*_: object) -> None:
    """Asked to end: the worker stops the PostgreSQL that it started."""
    sys.exit(1)


def _failure(made: template.Template, story: run.Story, *, shorten: bool) -> str:
    trail = "".join(traceback.format_exception(story.broken)[-4:])
    if not shorten:
        return f"\nseed {story.seed}: {story.law}: {story.broken}\n"
    short = run.shrink(made, story)
    again = f"again: make soak SEEDS=1 SEED={story.seed}"
    return f"\n{trail}\n{short.told()}\n{again}\n"


if __name__ == "__main__":
    sys.exit(main())
