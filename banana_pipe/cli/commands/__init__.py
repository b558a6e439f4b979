"""The commands, a file for each group. A function reads its options, calls the api, and shows the answer."""
