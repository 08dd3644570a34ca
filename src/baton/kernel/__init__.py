"""The mechanism: operations, actors, errors, transactions, conditions. It knows no word of the domain."""
