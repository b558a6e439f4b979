"""Part 8, nobody in: what a stranger writes, sends or plants is a mistake with a name, or nothing at all."""
