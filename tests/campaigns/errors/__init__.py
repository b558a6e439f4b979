"""Part 2: the system refuses to write, to sync, to rename, to open; or the disk is full."""
