"""Proof from end to end: recipes are run, killed, run at once and cut off against a vendor that bills.

Unaware of how anything works inside: what counts is the vendor's bill, and the files that are left.

The short form runs with every test. The long form takes every point instead of a sample of them:

    pytest -m campaign tests/campaigns                     all of it, with the seed 1
    CAMPAIGN_SEED=7 pytest -m campaign tests/campaigns     other samples, other moments
    CAMPAIGN_SEED=7 pytest tests/campaigns                 the short form with other samples

The kills say at the end how many cases there were. A failed case is named by its scene and by the act before
which it was killed; the same seed tries the same ones.
"""

from __future__ import annotations
