"""Part 7: what leaves the cache, what travels, and archives that somebody means ill with."""
