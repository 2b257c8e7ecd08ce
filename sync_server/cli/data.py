"""`huifang import`: the two public data sets, all of them or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.ids import derived_id
from sync_server.cli.terminal import Bar, errors, opened, out, settings_with, table
from sync_server.importing import load
from sync_server.importing.source import ImportReport


def import_sources(
    retail: Annotated[
        Path, typer.Argument(help="online_retail.csv.gz: customers, orders, assets.")
    ],
    incidents: Annotated[
        Path | None, typer.Argument(help="incident_event_log.csv.gz: cases and their history.")
    ] = None,
    organisation: Annotated[str, typer.Option(help="Name of the organisation.")] = "Huifang",
) -> None:
    """Import the data sets into an organisation. Rows that can't be read are skipped and reported
    by line.

    A second import of the same files changes nothing; a failure leaves the database as it was.
    """
    org_id = derived_id("organisation", organisation)
    with opened(settings_with()) as server:
        with Bar() as bar:
            sources = load.read_sources(org_id, retail, incidents, bar)
            written = load.import_sources(
                server.database, org_id, organisation, sources, server.clock.now(), bar
            )
        shown = table("kind", "records")
        for entity, count in sorted(written.items()):
            shown.add_row(entity, f"{count:,}")
        out.print(shown)
        _tell(retail, sources.retail_report)
        if incidents is not None:
            _tell(incidents, sources.cases_report)


def _tell(file: Path, report: ImportReport) -> None:
    errors.print(f"{file.name}: {report.rows:,} rows read", markup=False)
    for reason, count in report.skipped.most_common():
        lines = ", ".join(map(str, report.lines[reason]))
        more = " …" if count > len(report.lines[reason]) else ""
        errors.print(f"  skipped {count:,}: {reason} (lines {lines}{more})", markup=False)
