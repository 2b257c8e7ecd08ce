"""Programs that install, test and check this project: run by the Makefile, shipped to nobody."""
