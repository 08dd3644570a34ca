"""Who gets a lead: rules in rows, people and agents in one pool. Spec C4."""
