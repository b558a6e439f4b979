"""Part 4: what goes wrong between us and the provider, and where its pictures are."""
