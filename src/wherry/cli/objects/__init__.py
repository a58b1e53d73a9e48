"""Which objects a command line means, and reaching them: names, selectors, files, the user's cluster."""
