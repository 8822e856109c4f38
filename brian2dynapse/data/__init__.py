"""Facts of the chip: every number of the project with its source."""
