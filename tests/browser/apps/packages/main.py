"""Does what the app will ask of its packages, and shows one line for each that can."""

import datetime
import importlib.util
import zoneinfo
from pathlib import Path

import apsw
import flet as ft
import fpdf
import msgpack
import repath
from pyodide.http import pyfetch


def database() -> str:
    db = apsw.Connection(":memory:")
    db.execute("create virtual table note using fts5(body, tokenize='trigram')")
    db.execute("insert into note values ('空调不制冷')")
    (row,) = db.execute("select count(*) from note where body match '不制冷'")
    return f"database finds {row[0]}, {apsw.mc_version.split()[0]}"


async def report() -> str:
    font = await pyfetch("/assets/huifang/NotoSansSC-Regular.otf")
    return f"report of {len(drawn(await font.bytes())) > 3000} length"


def drawn(font: bytes) -> bytes:
    file = Path("/tmp/font.otf")
    file.write_bytes(font)
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.add_font("sc", fname=str(file))
    pdf.set_font("sc", size=12)
    pdf.cell(text="维修报告 ￥128.00")
    return bytes(pdf.output())


def clock() -> str:
    noon = datetime.datetime(2026, 1, 1, 12, tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai"))
    return f"noon is {noon.astimezone(datetime.UTC):%H:%M} UTC"


async def main(page: ft.Page) -> None:
    page.add(
        ft.Text(database()),
        ft.Text(await report()),
        ft.Text(clock()),
        ft.Text(f"packed {msgpack.unpackb(msgpack.packb(['回访']))[0]}"),
        ft.Text(f"route {bool(repath.match('/visit/:id', '/visit/7'))}"),
        ft.Text(f"pillow {importlib.util.find_spec('PIL')}"),
    )


ft.run(main)
