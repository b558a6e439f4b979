"""Proof from end to end: recipes are run, killed, run at once and cut off against a vendor that bills.

Unaware of how anything works inside: what counts is the vendor's bill, and the files that are left.

The short form runs with every test. The long form takes every point instead of a sample of them, and ends with
a page that says what was tried and what came of it:

    python -m tests.campaigns --seed 7                               all of it
    python -m tests.campaigns --part 1 --short                       one part, as it runs with all tests
    CAMPAIGN_SEED=7 pytest -m "campaign or both" tests/campaigns     the same tests without the page

For some of it tools are needed that are no dependency: strace, Chromium, user namespaces, and atheris (`pip install
atheris` into a folder that PYTHONPATH names). Where one is missing, the page says what was not tried, and why.

A failed case is named by what was run and where it was hit; the same seed tries the same ones.
"""

from __future__ import annotations
