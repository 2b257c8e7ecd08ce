"""`python -m sync_server.cli`: the same as the command `huifang`."""

from sync_server.cli import main

main()
