"""Part 10: one small thing at a time is made wrong in the code that money hangs on, and a test must notice."""
