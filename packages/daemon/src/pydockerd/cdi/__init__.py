"""Devices by the Container Device Interface (CDI): files that vendors write say what a container needs for a device to work in it."""
