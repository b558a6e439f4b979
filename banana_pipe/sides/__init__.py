"""What can be compared: a folder as it is now, what a run made, what a git revision has.

`naming` decides which of the three a text means; `folders`, `runs` and `revisions` read them; `side` is what all of
them give; `contrast` compares two.
"""
