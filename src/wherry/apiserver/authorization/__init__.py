"""Who may do what: RBAC over the stored roles and bindings, decided again as soon as they change."""
