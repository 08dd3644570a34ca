"""People and companies: records of their own, to which leads point. Spec A5, C2."""
