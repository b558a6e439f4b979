"""Part 9, load: the sandbox's server under many connections, quick ones and slow ones."""
