"""Networks: who is connected to what, with which addresses and ports; and the links and packet rules that make it so.

The life of it::

    create -> Network (recorded, its bridge made) -> attach: Endpoint (recorded, its link made, its ports open)
                                                  -> detach: the endpoint is forgotten, its link goes
    remove -> the bridge goes, the network is forgotten

A *network* has a driver, pools of addresses and options. An *attachment* is what somebody wants of a network for a sandbox: names, addresses, a
priority. A *sandbox* is a network namespace, by its path, with the files of /etc that belong to it; mostly a container's, but nothing here knows
containers. An *endpoint* is an attachment come true: an address, a link inside, ports on the machine.

`networks` is the way in; it decides, records and has done what it decided. What it stands on, pure functions first:

====================  ========================================================================================================
`ipam`                which subnet, which address: pure
`ports`               what is published where: pure; `publishing` does it, `reserve` holds the ports of the machine with sockets
`ruleset`             state -> packet rules: pure; `rules` loads the difference, by `nft`, in one transaction each
`options`             the options of the drivers, checked
`hosts`               the lines of /etc/hosts
`store`               the tables
`netlink`, `links`    links, addresses and routes, in few messages
`conntrack`           forgetting where datagrams went
`provider`            the supervisor's seam: containers as sandboxes
====================  ========================================================================================================

What is made is recorded before the kernel is touched. What goes is struck out, and then deleted; should a daemon be killed in between, the next one finds
links with our mark that nothing accounts for. So each one begins by bringing the kernel to agree with its tables: `Networks.reconcile`.
"""
