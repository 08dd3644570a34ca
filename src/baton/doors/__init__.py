"""The five doors: REST, tRPC, MCP, pages and the command line. They parse, perform and render."""
