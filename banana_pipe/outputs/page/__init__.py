"""The gallery: what it shows, its graph, its timeline, its small pictures; `outputs.report` makes the page of them."""
