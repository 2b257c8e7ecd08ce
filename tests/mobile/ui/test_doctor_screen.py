"""The sync doctor's screen: findings in words, what mends them, and the file for support."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mobile.ui import texts
from mobile.ui.screens.doctor import worded
from mobile.usecases import doctor
from mobile.usecases.services import Services
from shared.errors import Code
from shared.ids import derived_id
from tests.house import tree
from tests.mobile.ui.field import NOW, Field, Report, customer
from tests.mobile.ui.repair_field import TestDevice


class Handed(Field):
    """A phone whose saved files the test reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.device = TestDevice()

    def services(self) -> Services:
        return replace(super().services(), open_device=lambda: self.device)


@pytest.fixture
def field(tmp_path: Path) -> Handed:
    return Handed(tmp_path)


async def test_the_sync_screen_leads_to_a_doctor_who_finds_all_well(field, open_app):
    field.plant(customer("甲公司"))
    field.engine.answers = [Report()]
    app, _ = await open_app(field)
    await app.go("/sync")
    await app.tap("doctor")
    await app.go("/sync/doctor")
    await app.until(lambda: app.says("一切正常"))
    assert app.says("没有，你的记录都已经到服务器了")
    assert app.says("与服务器核对")


async def test_storage_that_may_be_cleared_is_asked_for_on_the_spot(field, open_app):
    field.place.persisted = False
    app, _ = await open_app(field)
    await app.go("/sync/doctor")
    await app.until(lambda: app.says("空间紧张时浏览器可能清除数据"))
    await app.tap("mend-storage")
    await app.until(lambda: app.says("浏览器会长期保存"))
    assert field.place.persisted


async def test_comparing_says_how_many_agree_and_how_many_do_not(field, open_app):
    field.plant(customer("甲公司"))
    app, _ = await open_app(field)
    await app.go("/sync/doctor")
    await app.until(lambda: app.says("每次同步都按总和核对"))
    field.engine.answers = [Report(agreement={"customer": (4, 1), "user": (1, 0)})]
    await app.tap("mend-checksums")
    await app.until(lambda: app.says("6 组数据中有 1 组不一致"))
    field.engine.answers = [Report(agreement={"customer": (5, 0), "user": (1, 0)})]
    await app.tap("mend-checksums")
    await app.until(lambda: app.says("6 组数据全部一致"))
    assert app.says("一切正常")


async def test_comparing_without_a_network_says_so(field, open_app):
    app, _ = await open_app(field)
    await app.go("/sync/doctor")
    await app.until(lambda: app.says("每次同步都按总和核对"))
    field.engine.answers = [Report(Code.OFFLINE)]
    await app.tap("mend-checksums")
    await app.until(lambda: app.says("现在没有网络。"))
    assert app.says("每次同步都按总和核对"), "what is not known is not claimed"


async def test_an_ended_lease_does_not_keep_the_doctor_from_looking(field, open_app):
    field.plant(customer("甲公司"))
    app, _ = await open_app(field)
    field.clock.move(timedelta(hours=80))
    await app.go("/sync/doctor")
    await app.until(lambda: app.says("有问题需要处理"))
    assert app.says("客户资料暂时不能查看")
    assert not app.says("甲公司")


async def test_the_file_for_support_is_saved_and_names_no_customer(field, open_app):
    one = customer("杭州钱江轴承")
    field.plant(one)
    app, shell = await open_app(field)
    with shell.store.unit() as unit:
        unit.update(one, needs="急需两套备件")
        unit.commit()
    await app.go("/sync/doctor")
    await app.until(lambda: app.says("请留意") or app.says("一切正常"))
    await app.tap("bundle")
    await app.until(lambda: app.says("文件里没有客户资料"))
    ((name, data),) = field.device.saved
    assert name == "huifang-support-20261123-1000.json"
    told = json.loads(data)
    assert [entry["fields"] for entry in told["waiting"]] == [["needs"]]
    for secret in ("杭州", "备件", one.id, "13800000000", field.staff.name, derived_id("staff")):
        assert secret not in data.decode()
        assert secret not in json.dumps(told, ensure_ascii=False)


def found_in_source() -> set[tuple[str, str, bool]]:
    """(topic, word, whether it is in order) of each finding written out in the judgement."""
    calls = [
        [ast.unparse(argument) for argument in node.args]
        for node in ast.walk(tree.parsed(Path(doctor.__file__)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
    ]
    return {
        (topic.strip("'"), word.strip("'"), state == "State.GOOD")
        for topic, state, word, *_ in calls
        if word.startswith("'")
    }


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_finding_is_worded_and_says_what_to_do(language: str) -> None:
    known = texts.catalogue(language)
    found = found_in_source()
    assert len(found) > 25
    for topic, word, good in found:
        assert f"doctor.{topic}" in known
        assert f"doctor.{topic}.{word}" in known
        assert good or f"doctor.{topic}.{word}.do" in known


def test_moments_spans_and_sizes_read_as_people_read_them() -> None:
    values = worded({"at": NOW, "span": timedelta(minutes=3), "left_bytes": 5_000_000}, NOW)
    assert values == {"at": "今天 10:00", "span": "3 分钟", "left_bytes": "5.0 MB"}
