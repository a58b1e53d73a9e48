"""The checks of the Pod Security Standards, a file each; `table` says at which level and since which version they hold."""
