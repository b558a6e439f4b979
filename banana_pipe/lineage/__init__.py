"""Where a file comes from: its bytes looked up in a project's records, and its family up to the first picture.

Unaware of recipes and of how an answer is shown. `family` joins records, `tracing` reads them, `ancestry` asks both.
"""
