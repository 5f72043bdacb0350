#!/bin/sh
# modules_inside.sh VERSION: what modules.sh does inside the Debian tree. What it makes is in /modules:
# vmlinuz, initrd, and root, a layer above the tree.
#
# Debian builds neither gpio-sim nor vimc; they are built here from Debian's source of its kernel.
# All modules are unpacked, because an emulated machine takes seconds to do that for each.
set -eu

version=$1
kernel=/modules/root/usr/lib/modules/$version
mkdir -p "$kernel" /modules/work /modules/first

# In the order in which they are loaded, before there is a root: what the root is made of, and what on
# a Pi is there as early (the watchdog, the tty of the motor board).
first='9p 9pnet_virtio overlay virtio_blk ext4 i6300esb xhci_pci ftdi_sio'
later='i2c-dev cdc-acm cuse usbserial videodev mc fuse'
# What the two that are built here need.
needed='configfs v4l2-tpg videobuf2-vmalloc videobuf2-dma-contig videobuf2-v4l2'

# irq_sim calls a function that is not exported to modules, and what that one calls is. With vimc's own
# sizes a picture takes half a second in an emulator; a smaller sensor and window make it 15 a second.
cd /modules/work
source=linux-source-6.12
tar -xJf /usr/src/$source.tar.xz --wildcards "$source/drivers/gpio/gpio-sim.c" \
    "$source/drivers/gpio/*.h" $source/kernel/irq/irq_sim.c $source/drivers/media/test-drivers/vimc
mkdir gpio
cp $source/drivers/gpio/gpio-sim.c $source/drivers/gpio/*.h $source/kernel/irq/irq_sim.c gpio
sed -i 's/irq_to_desc(irqnum)/irq_data_to_desc(irq_get_irq_data(irqnum))/
    /include <linux.irq_sim.h>/a #include <linux/irqdesc.h>\n#include <linux/module.h>' gpio/irq_sim.c
echo 'MODULE_DESCRIPTION("interrupts"); MODULE_LICENSE("GPL");' >>gpio/irq_sim.c
echo 'obj-m := irq_sim.o gpio-sim.o' >gpio/Makefile
mv $source/drivers/media/test-drivers/vimc .
sed -i 's/obj-.*/obj-m += vimc.o/' vimc/Makefile
sed -i 's/\(VIMC_FRAME_MAX_WIDTH\) .*/\1 640/
    s/\(VIMC_FRAME_MAX_HEIGHT\) .*/\1 480/' vimc/vimc-common.h
sed -i '/vimc_debayer_ctrl_mean_win_size = {/,/};/s/\.def = 3/.def = 1/' vimc/vimc-debayer.c
for folder in gpio vimc; do
    make -s -C "/lib/modules/$version/build" "M=$PWD/$folder" modules
done
strip -g gpio/*.ko vimc/vimc.ko
cp gpio/*.ko vimc/vimc.ko "$kernel"

# unpack MODULE...: with those that they need; their names, in the order of loading.
unpack() {
    for module; do
        modprobe -S "$version" --show-depends "$module" >show
        sed -n 's/^insmod \([^ ]*\).*/\1/p' show
    done | awk '!seen[$0]++' | while read -r path; do
        name=$(basename "$path" .xz)
        xz -dc "$path" >"$kernel/$name"
        echo "$name"
    done
}

# shellcheck disable=SC2086  # split into words on purpose
unpack $first >/modules/first/order
# shellcheck disable=SC2086
unpack $later $needed >/dev/null
cp "/lib/modules/$version"/modules.builtin* "/lib/modules/$version/modules.order" "$kernel"
depmod -b /modules/root/usr "$version"
cp "/boot/vmlinuz-$version" /modules/vmlinuz

cd /modules/first
mkdir bin dev proc sys lower disk new
cp /usr/bin/busybox bin
cp /modules/init .
while read -r name; do
    cp "$kernel/$name" .
done <order
find . | cpio -o -H newc --quiet >/modules/initrd
rm -r /modules/work /modules/first
