"""The page around the app, as Python sees it from its worker, which has no window of its own.

The page's half is `shell/bridge.js`, which lists the calls. Between them lies the worker's own
message channel, so another tab neither hears nor answers. Natively there is no page: `available()`
is false.

    status = await page.call("persist_storage")
    if not status["persisted"]: ...

Calls: `persist_storage`, `storage_status` (persisted, usage_bytes, quota_bytes), `offline_status`
(ready, update, installing, problem, version), `activate_update`, `page_status` (online, visible,
languages, dark, installed), `position` (timeout_ms → latitude, longitude, accuracy_m, taken_at_ms),
`arrival` (kind, value), `leave_for` (address), `reload`. Events: `page_status`, `offline_status`,
`leaving`.
"""

import contextvars
import importlib
import sys
from collections.abc import Callable
from typing import Any

Listener = Callable[[str, Any], None]


class PageRefusal(Exception):
    """The page could not do what was asked; `reason` is the name that it or the browser gave."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


def available() -> bool:
    """True in the web app, false natively."""
    return sys.platform == "emscripten"


async def call(name: str, **arguments: Any) -> Any:
    """Asks the page and waits for its answer: plain Python values. Raises PageRefusal."""
    js, ffi = importlib.import_module("js"), importlib.import_module("pyodide.ffi")
    page = importlib.import_module("huifang_page")
    asked = ffi.to_js(arguments, dict_converter=js.Object.fromEntries)
    try:
        answer = await page.call(name, asked)
    except ffi.JsException as error:
        raise PageRefusal(str(error.name), str(error.message)) from error
    return answer.to_py() if isinstance(answer, ffi.JsProxy) else answer


def listen(listener: Listener) -> None:
    """Calls `listener(event, detail)` for every event of the page from now on, for good.

    It runs in the context of this call: Flet knows by it which page is to be drawn anew.
    """
    ffi, page = importlib.import_module("pyodide.ffi"), importlib.import_module("huifang_page")
    context = contextvars.copy_context()  # an event from JavaScript brings an empty one

    def heard(name: str, detail: Any) -> None:
        context.run(listener, name, detail.to_py() if isinstance(detail, ffi.JsProxy) else detail)

    page.listen(ffi.create_proxy(heard))
