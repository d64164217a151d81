#!/bin/busybox sh
# Process 1 of the first file system: makes the machine's two disks readable and hands over to the init that the kernel's command
# line names (vm.init=PATH). The root disk is Debian, the second one (on /srv) the project: see tests/vm/payload.py.
set -e
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do
    $b insmod "$module"
done
# The disks are found while the modules start: wait for the last one.
until [ -b /dev/vdc ]; do
    $b sleep 0.05
done
$b mount -t ext4 /dev/vda /root
$b mount -t ext4 /dev/vdb /root/srv
for word in $($b cat /proc/cmdline); do
    case "$word" in vm.init=*) init=${word#vm.init=} ;; esac
done
$b cp /root/srv/checkout/tests/vm/guest/pyrunc-tests.service /root/etc/systemd/system/
$b umount /proc
$b umount /sys
$b mount --move /dev /root/dev
exec $b switch_root /root "$init"
