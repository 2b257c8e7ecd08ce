"""What leaves an entry beside a customer's page: a search once it rests, and what is opened by its
address (L7)."""

from __future__ import annotations

from mobile.ui.screens.customer import looking
from shared.entities import Asset
from shared.ids import derived_id
from tests.mobile.ui.field import PIN, customer
from tests.mobile.ui.test_customers import searched
from tests.mobile.ui.written import looks, written


async def test_a_search_is_on_record_once_it_rests_and_again_for_other_words_alone(
    field, open_app, monkeypatch
):
    monkeypatch.setattr(looking, "SETTLED_SECONDS", 0)
    field.plant(customer("上海示例机电"), customer("上海别的公司"))
    app, shell = await open_app(field)
    await app.go("/customers")

    await searched(app, "上海")
    await app.until(lambda: looks(shell) == [("search", "searched")])
    (change,) = written(shell)
    assert change["fields"]["hits"] == 2 and "上海" not in str(change)
    await app.tap([key for key in app.keys() if key.startswith("hit-")][0])
    await app.tap("back")
    await searched(app, "shsl")
    await app.until(lambda: looks(shell).count(("search", "searched")) == 2)
    assert ("customer", "opened") in looks(shell)


async def test_a_hit_that_is_opened_at_once_puts_the_search_on_record_first(
    field, open_app, monkeypatch
):
    monkeypatch.setattr(looking, "SETTLED_SECONDS", 3600)
    field.plant(customer("上海示例机电"))
    app, shell = await open_app(field)
    await app.go("/customers")
    await searched(app, "shsl")
    assert looks(shell) == []
    (hit,) = [key for key in app.keys() if key.startswith("hit-")]
    await app.tap(hit)
    assert looks(shell) == [("search", "searched"), ("customer", "opened")]


async def test_the_same_words_after_a_lock_are_another_search(field, open_app, monkeypatch):
    monkeypatch.setattr(looking, "SETTLED_SECONDS", 3600)
    field.plant(customer("上海示例机电"))
    app, shell = await open_app(field)
    for count in (1, 2):
        await app.go("/customers")
        await searched(app, "shsl")
        (hit,) = [key for key in app.keys() if key.startswith("hit-")]
        await app.tap(hit)
        assert looks(shell).count(("search", "searched")) == count
        await shell.session.lock()
        await shell.session.unlock(PIN)


async def test_a_search_that_cannot_be_recorded_shows_no_hits_until_one_can(
    field, open_app, monkeypatch
):
    monkeypatch.setattr(looking, "SETTLED_SECONDS", 0)
    field.plant(customer("上海示例机电"))
    app, shell = await open_app(field)
    await app.go("/customers")
    execute = shell.store.parts.db.execute
    execute("CREATE TEMP TABLE kept AS SELECT * FROM held_grant")
    execute(
        "DELETE FROM held_grant WHERE bucket IN (SELECT no FROM bucket WHERE name LIKE 'user:%')"
    )
    await searched(app, "shsl")
    await app.until(lambda: app.says("你没有查看它的权限"))
    assert not app.says("上海示例机电")
    execute("INSERT OR IGNORE INTO held_grant SELECT * FROM temp.kept")
    await searched(app, "上海示例")
    await app.until(lambda: looks(shell) == [("search", "searched")])
    await app.until(lambda: app.says("上海示例机电"))


async def test_a_thing_of_a_customer_that_is_opened_by_its_address_is_on_record(field, open_app):
    acme = customer("上海示例机电")
    cooler = Asset(id=derived_id("asset", acme.id), customer_id=acme.id, product="冷柜")
    field.plant(acme, cooler)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}/assets/{cooler.id}")
    await app.settle()
    assert looks(shell) == [("asset", "opened")]
