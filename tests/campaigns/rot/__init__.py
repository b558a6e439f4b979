"""Part 6: bits flip, files are cut off, gone, swapped or links: all of it is found, none served, what can be is healed."""
