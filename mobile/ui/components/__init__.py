"""The kit that screens are made of; mobile/ui/README.md shows each with an example."""
