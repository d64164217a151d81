"""Collection: what nothing refers to is deleted, while work goes on. See ``pycontainerd.gc.collector``."""
