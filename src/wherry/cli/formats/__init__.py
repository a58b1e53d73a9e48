"""How things are printed: aligned columns, YAML and JSON as kubectl writes them, custom columns; and YAML as it reads it."""
