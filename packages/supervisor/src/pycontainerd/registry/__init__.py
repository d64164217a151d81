"""The client of registries: the distribution specification over HTTP. What images are is the business of ``pycontainerd.images``."""
