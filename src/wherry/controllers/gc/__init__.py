"""The garbage collector: what lost its owners goes; foreground and orphaning deletes are carried out.

`graph` holds who owns whom (pure), `monitors` feeds it from every resource that can be deleted, `collector` acts.
Source: k8s.io/kubernetes pkg/controller/garbagecollector.
"""
