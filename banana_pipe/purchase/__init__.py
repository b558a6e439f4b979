"""One request, paid once.

Unaware of recipes and graphs, of the order of nodes, and of how a provider is reached.

`rules` is the table of what follows from which error, `search` looks for a lost call's task,
`poller` waits for tasks, `slots` bounds what is under way, and `buyer` puts them in order.
"""
