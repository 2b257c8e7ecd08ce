"""`python -m mobile.pwa DIST [--cache FOLDER] [--app FOLDER]`: builds the offline web app."""

import argparse
import sys
from pathlib import Path

from mobile.pwa.builder import build_web_app
from mobile.pwa.flet_files import UnexpectedFletWeb
from mobile.pwa.node import CompileFailed
from mobile.pwa.wheels import DEFAULT_CACHE, WheelMissing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mobile.pwa", description=__doc__)
    parser.add_argument("dist", type=Path, help="folder to build, replaced at the end")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="keeps the wheels")
    parser.add_argument("--app", type=Path, help="build this folder's main.py instead of Huifang")
    asked = parser.parse_args()

    def say(step: str, share: float) -> None:
        sys.stderr.write(f"{share:4.0%} {step}\n")

    try:
        report = build_web_app(asked.dist, cache=asked.cache, progress=say, app_dir=asked.app)
    except (WheelMissing, CompileFailed, UnexpectedFletWeb) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    kind = "bytecode" if report.compiled else "sources, for want of Node"
    sys.stdout.write(
        f"{report.dist}: version {report.version}, {report.files} files, {report.size / 1e6:.1f} MB"
        f" (of it code {report.archive_size / 1e6:.1f} MB, {kind}) in {report.seconds:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
