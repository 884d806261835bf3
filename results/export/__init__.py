"""Paper tables: from a YAML description and stored runs to LaTeX, Markdown, HTML, CSV and JSON, and back to check."""
