"""What terminal, gallery and studio tell alike: a run added up, durations, what to do about a trouble.

Unaware of how it is shown, and by whom.
"""
