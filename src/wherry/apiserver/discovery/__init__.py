"""What the server says of itself: groups, versions, resources, in the old form and the aggregated one, and OpenAPI."""
