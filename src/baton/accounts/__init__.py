"""Organizations, their members (people and agents), roles, signing in, and tokens. Spec A6, B9."""
