"""Reports: what the numbers say, from counts that are kept exact."""
