"""The inbox: what waits for one member, of all rooms of the product, in one list. Spec A6."""
