"""An app whose main() fails before it has drawn anything."""

import flet as ft


def main(_page: ft.Page) -> None:
    raise RuntimeError("nothing to show")


ft.run(main)
