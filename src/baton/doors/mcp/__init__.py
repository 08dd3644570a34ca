"""The door for agents: the Model Context Protocol at `/mcp` (streamable HTTP), the registry's operations as tools."""
