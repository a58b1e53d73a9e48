"""The node's own certificates, renewed while it runs: asked for by CertificateSigningRequests, as a kubelet does."""
