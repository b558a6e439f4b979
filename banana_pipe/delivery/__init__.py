"""Pictures leave the project: which ones, with what metadata, and with what words about them.

Unaware of the command line and of buying: what is not made yet is told, never made.
"""
