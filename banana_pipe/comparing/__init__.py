"""Two folders of pictures compared: `matching` says which belong together, `pixels` how far they are apart,
`differences` what was asked otherwise, `shapes` all of it as JSON.

Unaware of folders, runs and git: for what is compared see `sides`.
"""
