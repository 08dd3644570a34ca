"""Files in and out: read any table that people have, map its columns by name, preview, load."""
