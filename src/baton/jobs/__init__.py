"""Work that happens by itself: the relay turns the log into jobs, the worker does them."""
