"""Part 3: the power goes, and with it whatever was not synced."""
