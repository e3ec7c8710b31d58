"""From a drawing to a file: layouts, themes, and one renderer for each format."""
