"""The smallest app with a button: the start benchmark's baseline and the shell's first tenant."""

import flet as ft


def main(page: ft.Page) -> None:
    count = ft.Text("0", key="count")

    def press() -> None:
        count.value = str(int(count.value) + 1)
        count.update()

    page.add(ft.Button("按下 Press", on_click=press, key="press"), count)


ft.run(main)
