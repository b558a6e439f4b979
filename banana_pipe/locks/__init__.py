"""The lock file as its owner works on it: checked, accepted, reset, cleaned, merged.

Unaware of the command line and of buying: nothing here asks a provider. How a lock file is written is `store`'s.
"""
