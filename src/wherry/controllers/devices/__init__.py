"""Claims for devices that pods want: made from templates, set free when their pods are over."""
