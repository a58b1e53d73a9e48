"""YAML as Kubernetes reads and writes it: what JSON can say, in the words of Go's yaml.v2."""
