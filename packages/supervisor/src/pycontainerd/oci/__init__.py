"""From a ContainerConfig to the OCI Spec that the runtime is given."""
