"""Who makes pictures for money, or plays it.

`base` is what a provider is; `acedata` the one over the network. `wire` makes its calls, `reading`,
`refusals`, `answers` and `listing` understand what comes back, `http` (with `transfer`) carries both and
minds `addresses` and `secret`. `sandbox` is the same API inside the process; `catalog` what is known of
models and prices without asking.
"""
