"""Who makes pictures for money, or plays it.

`base` is what a provider is; `acedata` the one over the network (`answers`, `wire` and `listing` read
and write its JSON, `http` alone sends it); `sandbox` the same API inside the process; `catalog` what is
known of models and prices without asking.
"""
