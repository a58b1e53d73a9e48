"""Who is asking: client certificates, service account tokens, static tokens, or nobody in particular."""
