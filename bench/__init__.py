"""How fast Baton is, each path beside its own limit in the same run."""
