"""What volumes and claims mean to each other, for those who bind them and those who place pods by them. Pure.

`facts` reads the objects, `topology` tells on which nodes a volume is, `matching` finds the volume for a claim.
Source: k8s.io/component-helpers/storage/volume.
"""
