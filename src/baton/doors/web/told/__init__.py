"""Words: what happened, what holds, and since when, as sentences."""
