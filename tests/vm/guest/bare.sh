#!/bin/sh
# Process 1 of a machine without an init system: mounts what every Linux has, runs the tests, and switches the machine off.
# One hierarchy of cgroups, of version 2, which nobody else uses.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
ip link set lo up
hostname machine
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# A session of its own: process 1 stays the one that reaps, and no test gets its console as a terminal.
setsid /usr/bin/python3 /srv/checkout/tests/vm/guest/run.py </dev/null >/dev/ttyS1 2>&1
busybox poweroff -f
# Process 1 must not end before the machine does.
sleep 60
