"""APIs that somebody else serves under this server's roof: extension API servers behind Services, or handlers in this process."""
