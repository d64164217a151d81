"""Names: a DNS server in every sandbox that is on a network of its own, at 127.0.0.11, where docker's is.

The sockets are opened inside the sandbox's network namespace, at a port that the kernel chooses, and a packet rule in there sends port 53 to it: so a
container may have port 53 for a server of its own. They belong to the daemon's event loop; when the daemon ends, names are not answered until
the next one has opened them again.

An answer is looked for in this order, as docker does it: the links of the sandbox, the names on its networks (containers, aliases, short ids; several
containers may have one alias), and then the servers outside: those of ``--dns``, which are asked from within the sandbox, or the machine's, asked from the
machine. A sandbox that is on internal networks only gets no answer from outside.

====================  ========================================================================================================
`names`               who is called what on a network: pure
`message`             questions and answers: what dnspython makes of them
`resolvconf`          /etc/resolv.conf, the machine's and the sandbox's: pure, but for the writing
`sockets`             sockets and packet rules inside of a network namespace
`forward`             asking servers outside
`server`              one sandbox's server: from the sockets to an answer
`service`             which sandboxes have one: an observer of `pydockerd.network`
====================  ========================================================================================================

Most questions are asked again and again. A question is decoded once; its bytes are then the key to the bytes of the answer, until something on a
network changes.
"""
