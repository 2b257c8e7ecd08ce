"""`python -m bench.vault_ciphers`: which cipher the vault's format should have, measured on this
machine.

Every round runs each cipher once, natively and in Chromium, in an order that turns by one each
round; the table gives medians with the least and the greatest. Writes docs/benchmarks-vault.md.
"""

from __future__ import annotations

import json
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import apsw

from bench.cipher_app.cipher_work import CIPHERS, COMMITS, READS, ROWS, WORK, measure
from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from mobile.store.vault import CIPHER
from tests.browser.harness import Browser, Playing, Site

REPOSITORY = Path(__file__).parent.parent
ROUNDS = 7
AMOUNTS = {"bulk insert": ROWS, "single commits": COMMITS, "point reads": READS, "LIKE": ROWS}

ASK = """(cipher) => new Promise((resolve) => {
  const channel = new BroadcastChannel("huifang-bench");
  channel.onmessage = (event) => { channel.close(); resolve(event.data); };
  channel.postMessage(JSON.stringify({ cipher }));
})"""

Round = Callable[[str], dict[str, float]]
Times = dict[str, dict[str, list[float]]]


def natively(cipher: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "build") as folder:
        return measure((Path(folder) / "bench.db").as_uri(), cipher)


def rounds(places: dict[str, Round]) -> dict[str, Times]:
    """The places and the ciphers interleaved, so that what else the machine does strikes all
    alike.
    """
    found: dict[str, Times] = {
        place: {cipher: {work: [] for work in WORK} for cipher in CIPHERS} for place in places
    }
    names = list(CIPHERS)
    for number in range(ROUNDS + 1):
        for cipher in names[number % len(names) :] + names[: number % len(names)]:
            for place, run in places.items():
                times = run(cipher)
                if number > 0:  # the first round only warms up
                    for work in WORK:
                        found[place][cipher][work].append(times[work])
        sys.stderr.write(f"round {number} of {ROUNDS}\n")
    return found


def table(times: Times) -> str:
    lines = ["| | " + " | ".join(WORK) + " |", "|---|" + "---|" * len(WORK)]
    for cipher, by_work in times.items():
        cells = []
        for work in WORK:
            middle = statistics.median(by_work[work])
            plain = statistics.median(times["none"][work])
            rate = AMOUNTS[work] / middle * 1000
            cells.append(
                f"{middle:.0f} ms ({min(by_work[work]):.0f}–{max(by_work[work]):.0f}), "
                f"×{middle / plain:.2f}, {rate:,.0f}/s"
            )
        lines.append(f"| {cipher} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(found: dict[str, Times], seconds: float) -> str:
    tables = "\n\n".join(f"## {place}\n\n{table(times)}" for place, times in found.items())
    return f"""# The vault's cipher, measured

`python -m bench.vault_ciphers` wrote this page: {ROUNDS} rounds, ciphers and places interleaved,
medians (least–greatest), the factor against the same driver without a key, and the rate. {ROWS:,}
rows of 770 bytes of Chinese text inserted in one transaction; {COMMITS:,} transactions of one row,
each flushed to disk; {READS:,} reads by key, and LIKE over all rows, both with a 2 MiB page cache
so that pages go through the cipher. Write-ahead log, `synchronous=FULL`, `secure_delete=ON`, as
the app runs. SQLite {apsw.sqlite_lib_version()}, {platform.machine()}, Python
{platform.python_version()} natively, Chromium headless; {seconds:.0f} s in all. Two
cores, shared with other work while it ran: hence the ranges.

{tables}

## What follows

The format is one and the same on both sides, and fixed to **{CIPHER}**
(`mobile.store.vault.CIPHER`). Natively AEGIS is nearly free, because processors have instructions
for it; WebAssembly has none of them, so that there ChaCha20 is the faster one for whatever reads.
The web app on a phone is where the time is short, and natively all of them are fast enough. Single
commits cost what the flush costs: they tell more about this machine's disk than about a cipher.
"""


def main() -> int:
    (REPOSITORY / "build").mkdir(exist_ok=True)
    began = perf_counter()
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "build") as folder:
        source, dist = Path(folder) / "app", Path(folder) / "web"
        shutil.copytree(Path(__file__).parent / "cipher_app", source)
        for part in ("shared", "mobile/keys", "mobile/store"):
            shutil.copytree(REPOSITORY / part, source / part)
        (source / "mobile" / "__init__.py").touch()
        build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=source)
        with (
            Playing() as playwright,
            Site(dist) as site,
            Browser.open(playwright, Path(folder) / "profile", measured=True) as browser,
        ):
            tab = browser.visit(site.url)
            tab.wait_text("listening")

            def in_chromium(cipher: str) -> dict[str, float]:
                said = json.loads(tab.page.evaluate(ASK, cipher))
                assert "found" in said, said
                times: dict[str, float] = said["found"]
                return times

            found = rounds({"Natively": natively, "In Chromium": in_chromium})
    text = page(found, perf_counter() - began)
    (REPOSITORY / "docs" / "benchmarks-vault.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
