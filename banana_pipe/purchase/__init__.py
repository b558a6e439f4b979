"""One request, paid once.

Unaware of recipes and graphs, of the order of nodes, and of how a provider is reached.

`buyer` decides whether to send and sends; `follow` takes what was sent to its end, whoever sent it.
`rules` is the table of what follows from which error, `search` looks for a lost call's task,
`poller` waits for tasks, `collect` fetches pictures, `slots` bounds what is under way, `stops` ends
it, and `replies` are the words where there is no picture.
"""
