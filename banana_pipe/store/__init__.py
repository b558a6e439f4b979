"""What is kept: bytes by digest, results by key, attempts in the ledger, pins in the lock file.

Unaware of providers, of the graph and of who decides to buy.
"""
