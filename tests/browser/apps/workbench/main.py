"""One of everything the harness and the page must reach: a field, a pad, calls and events."""

import json

import flet as ft
import flet.canvas as cv
import huifang_page
import js
from pyodide.ffi import JsException, create_proxy, to_js


async def ask(name: str, **arguments: object) -> str:
    sent = to_js(arguments, dict_converter=js.Object.fromEntries)
    try:
        answer = await huifang_page.call(name, sent)
    except JsException as refusal:
        return f"refused: {refusal.name}"
    plain = answer.to_py() if hasattr(answer, "to_py") else answer
    return json.dumps(plain, sort_keys=True)


def main(page: ft.Page) -> None:
    said = ft.Text("nothing yet")
    heard = ft.Text("heard nothing")
    points = ft.Text("0 points")
    strokes: list[object] = []

    def show(text: ft.Text, value: str) -> None:
        text.value = value
        text.update()

    def on_event(name: str, detail: object) -> None:
        plain = detail.to_py() if hasattr(detail, "to_py") else detail
        show(heard, f"heard {name} {json.dumps(plain, sort_keys=True)}")

    huifang_page.listen(create_proxy(on_event))

    def calling(name: str, **arguments: object) -> ft.Button:
        async def call() -> None:
            show(said, f"{name} said {await ask(name, **arguments)}")

        return ft.Button(name, on_click=call)

    def stroke(event: ft.DragUpdateEvent) -> None:
        strokes.append(event.timestamp)
        show(points, f"{len(strokes)} points")

    field = ft.TextField(label="客户名称", on_change=lambda e: show(said, f"name {e.data}"))
    pad = ft.GestureDetector(
        cv.Canvas([cv.Fill(ft.Paint(color="grey"))], width=300, height=120),
        on_pan_update=stroke,
        drag_interval=0,
    )
    page.add(
        field,
        ft.Semantics(content=pad, label="签名", image=True),
        points,
        calling("persist_storage"),
        calling("offline_status"),
        calling("activate_update"),
        calling("position", timeout_ms=5000),
        calling("no_such_call"),
        said,
        heard,
    )


ft.run(main)
