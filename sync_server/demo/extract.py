"""Cuts the demo organisation's small part out of the two full sources: `python -m
sync_server.demo.extract FOLDER`.

The result lies beside this file in `data/` and is shipped; its origin stands in `data/ORIGIN.md`.
Kept in the repository so that anyone can see, and repeat, how the part was chosen.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections import Counter, defaultdict
from pathlib import Path

from sync_server.importing import incidents, retail
from sync_server.importing.people import stable_number

DATA = Path(__file__).parent / "data"
CUSTOMERS = {"United Kingdom": 60, "Germany": 25, "France": 20}
INVOICES, LINES, CASES, RESOLVERS = 6, 8, 240, 6
DEVICE_WORDS = ("CLOCK", "LAMP", "LIGHT", "RADIO", "FAN", "HEATER", "MIXER", "SCALE")
"""Products that a technician might be called to."""


def cut_retail(source: Path, target: Path) -> None:
    """For each chosen country the buyers who own the most devices, with their last invoices,
    shortened."""
    lines: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    country: dict[str, str] = {}
    with gzip.open(source, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["customer_id"] and float(row["unit_price"]) > 0 and int(row["quantity"]) > 0:
                country.setdefault(row["customer_id"], row["country"])
                lines[row["customer_id"]][row["invoice_no"]].append(row)
    devices = Counter(
        {
            buyer: len({r["stock_code"] for i in by.values() for r in i if _is_device(r)})
            for buyer, by in lines.items()
        }
    )
    kept = []
    for name, wanted in CUSTOMERS.items():
        buyers = [b for b, _ in devices.most_common() if country[b] == name]
        for buyer in buyers[:wanted]:
            for invoice in list(lines[buyer].values())[-INVOICES:]:
                ordered = sorted(invoice, key=lambda r: (not _is_device(r), r["stock_code"]))
                kept += ordered[:LINES]
    kept.sort(key=lambda r: (r["invoice_at"], r["invoice_no"], r["stock_code"]))
    _write(target, retail.COLUMNS, kept)


def cut_incidents(source: Path, target: Path) -> None:
    """Cases handled by a few resolvers only, of every shape: waited, reopened, handed on, still
    open."""
    by_case: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(source, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["incident_state"] in incidents.STATES:
                by_case[row["number"]].append(row)
    whole = {n: rows for n, rows in by_case.items() if 3 <= len(rows) <= 14}
    resolvers = Counter(
        r["assigned_to"] for rows in whole.values() for r in rows if r["assigned_to"]
    )
    few = {name for name, _ in resolvers.most_common(RESOLVERS)}
    mine = [n for n, rows in whole.items() if {r["assigned_to"] for r in rows} - {""} <= few]
    mine.sort(key=lambda n: (-_interest(whole[n]), stable_number("cut", n)))
    kept = [row for n in sorted(mine[:CASES]) for row in whole[n]]
    _write(target, incidents.COLUMNS, kept)


def _interest(rows: list[dict[str, str]]) -> int:
    states = {r["incident_state"] for r in rows}
    handed_on = len({r["assigned_to"] for r in rows} - {""}) > 1
    return len(states) + 2 * handed_on + 2 * (rows[-1]["reopen_count"] != "0")


def _is_device(row: dict[str, str]) -> bool:
    return any(word in row["description"] for word in DEVICE_WORDS)


def _write(target: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    # No name and no time in the header of the archive: the same cut gives the same bytes.
    target.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    DATA.mkdir(exist_ok=True)
    cut_retail(folder / "online_retail.csv.gz", DATA / "online_retail_part.csv.gz")
    cut_incidents(folder / "incident_event_log.csv.gz", DATA / "incident_event_log_part.csv.gz")
