"""Proof from end to end: recipes are run, killed, run at once and cut off against a vendor that bills.

Unaware of how anything works inside: what counts is the vendor's bill, and the files that are left.

The short form runs with every test. The long form takes every point instead of a sample of them:

    pytest -m campaign tests/campaigns                      all of it, with the seed below
    BANANA_PIPE_SEED=7 pytest -m campaign tests/campaigns   other samples, other moments

Each says at the end how many cases there were, and names every failed one so that it can be run again.
"""

from __future__ import annotations
