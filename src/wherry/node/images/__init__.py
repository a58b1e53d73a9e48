"""Images: a content store below the state directory, import from archives and layouts, and `wherry.local/host`."""
