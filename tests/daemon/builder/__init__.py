"""Building images: the pure parts by tables and properties, the rest by builds."""
