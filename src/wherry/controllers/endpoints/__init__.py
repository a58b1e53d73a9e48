"""Which pods stand behind a service: EndpointSlices, the older Endpoints, and slices mirrored from hand-made Endpoints.

`addresses` says what a pod offers, `slices` how endpoints are spread over slices: both pure.
Source: k8s.io/endpointslice and pkg/controller/endpoint.
"""
