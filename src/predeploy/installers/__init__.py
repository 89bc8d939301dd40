"""What is particular to each installer: seeds, command lines, and how its result is read."""
