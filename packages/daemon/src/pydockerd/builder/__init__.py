"""Building images: a Dockerfile and a context become a graph of steps, and those that nobody has done before are done.

``dockerfile`` reads, ``ignore`` and ``copying`` choose files, ``graph`` and ``arguments`` decide, all of them pure; ``solve`` does, with the supervisor.
"""
