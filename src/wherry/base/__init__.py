"""The ground floor: clock, tasks, back-off, logging, failpoints, files. No word of Kubernetes here."""
