"""Persistent storage: claims get volumes, volumes get made, grow and go.

    binder          volumes and claims find each other; phases; what happens to a volume that is left
    provisioner     makes volumes of the class `standard` as directories on the machine, and removes them
    resizer         lets claims grow
    default_class   the class `standard`, made once in a cluster's life
    protection      nothing goes while it is in use
    ephemeral       claims that live as long as their pod
    attachdetach    VolumeAttachments for CSI volumes

What volumes mean to claims is in `wherry.policy.volumes`; the scheduler reads it too.
"""
