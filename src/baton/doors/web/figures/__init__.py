"""The dashboard and what stands beside it."""
