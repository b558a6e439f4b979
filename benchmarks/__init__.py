"""What must be quick, measured against a floor on the same machine and printed as ratios.

Unaware of the tests' verdicts: a benchmark prints, it never fails a build.
"""
