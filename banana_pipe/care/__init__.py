"""The cache, looked after: what is in it, what may go, whether it is whole, and how it travels.

Unaware of recipes' texts, of planning and of buying: nothing here spends or changes a key.
"""
