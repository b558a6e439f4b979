"""Which banana-pipe this is.

Unaware of everything else: it is read before anything is imported.
"""

__version__ = "0.1.0"
