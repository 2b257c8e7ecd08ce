"""What a colleague changes comes onto the screen of the web app by itself."""

from __future__ import annotations

from sync_server.demo.load import ORGANISATION
from sync_server.services.writing import write
from tests.e2e.conftest import Meet
from tests.e2e.evidence import Evidence
from tests.live_server import LiveServer


def test_a_change_elsewhere_appears_on_the_open_screen_by_itself(
    person: Meet, live: LiveServer
) -> None:
    wangfang, evidence = person("wangfang"), Evidence(live)
    customer = evidence.rows("customer", owner_id=evidence.staff_id("wangfang"))[0]
    wangfang.go(f"/customers/{customer['id']}")
    wangfang.tab.wait_text(customer["name"])
    for name in ("改名一次有限公司", "改名两次有限公司"):
        with live.opened() as office:
            write(
                office.database,
                ORGANISATION,
                office.clock.now(),
                lambda unit, name=name: unit.update("customer", customer["id"], {"name": name}),
            )
        wangfang.tab.wait_text(name, timeout_ms=60_000)  # by the timetable it would be minutes
    assert [one.status for one in wangfang.way.said("/v1/sync/poke")][0] == 200
