"""Names: what is found, what resolv.conf says, and servers in network namespaces, asked over real sockets."""
