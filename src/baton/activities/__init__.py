"""The log: every change of state, who made it, when and why. Nothing else tells what happened."""
