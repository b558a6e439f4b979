"""Part 1: runs are killed, at their durable acts and at moments drawn by lot."""
