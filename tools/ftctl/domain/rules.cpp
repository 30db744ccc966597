/*
 * The table. A row shrinks or goes when QEMU learns to protect what it names:
 * accel/ft/glue/ft-device-allow.c is compared with it by tables_test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fixes.hpp"

namespace ftctl::domain {
namespace {

using enum Severity;

/* Reasons that several rows share. */
constexpr const char *one_cpu = "more than one CPU: the order in which they take turns is not in the log";
constexpr const char *iothread = "an I/O thread: what runs in it is not in the log";
constexpr const char *no_usb = "USB: the controller is not known to replay exactly";
constexpr const char *usb_none = "<controller type='usb' model='none'/>";
constexpr const char *no_screen = "a screen is not known to replay exactly; the guest has its serial console";
constexpr const char *video_none = "<model type='none'/>";
constexpr const char *no_nic = "this network card is not known to replay exactly";
constexpr const char *nic = "<model type='virtio'/><driver name='qemu'/>";
constexpr const char *no_bus = "a drive on this bus is not known to replay exactly; the guest needs a driver for "
                               "virtio-blk and finds the drive under another name";
constexpr const char *vd_bus = "<target dev='vda' bus='virtio'/>";
constexpr const char *no_channel = "a channel: its opening and closing on the host's side is not in the log";
constexpr const char *no_sound = "a sound card is not known to replay exactly";
constexpr const char *no_memory_device =
    "memory that is plugged in is not known to replay exactly; give all of it by <memory>";
constexpr const char *no_input = "this input device is not known to replay exactly; PS/2 "
                                 "keyboard and mouse are always there";
constexpr const char *no_dog = "this watchdog is not known to replay exactly";
constexpr const char *no_bridge_model = "this PCI bridge is not known to replay exactly";
constexpr const char *other_bridge = "<controller type='pci' model='pcie-root-port'/>";
constexpr const char *host_only = "what the guest sees there comes from one host and is not in the log";
constexpr const char *bridge = "<interface type='bridge'><source bridge='{bridge}'/></interface>";
constexpr const char *from_host_cpu =
    "the guest's CPU would be the host's: KVM's affair, and another one on the other host";
constexpr const char *named_cpu = "<cpu mode='custom' match='exact' check='none'><model "
                                  "fallback='forbid'>{cpu}</model></cpu>";
constexpr const char *other_board = "the board has to be one and the same on all hosts, "
                                    "written out whole, and known to QEMU 10.0";

#define Q35 "<type arch='x86_64' machine='pc-q35-10.0'>hvm</type>"
#define I440FX "<type arch='x86_64' machine='pc-i440fx-10.0'>hvm</type>"
/* Which drives, interfaces and devices a row is about. */
#define DISK "devices/disk[not(@device) or @device='disk' or @device='lun']"
#define VIRTIO_NIC "devices/interface[starts-with(model/@type, 'virtio')]"
#define FT_ARG "qemu:commandline/qemu:arg[contains(@value, 'ft=')]"

constexpr Rule table[] = {
    /* -- the machine -- */
    {Refused, "@type[. != 'qemu']", "",
     "KVM and others execute instructions that cannot be counted; QEMU itself (TCG) does", "type='qemu'", write},
    {Refused, "self::*[not(name[normalize-space()])]", "", "a domain has a name", "", nullptr},
    {Refused, "self::*[not(uuid)]", "",
     "each host would make up a UUID of its own, and nodes of another UUID refuse each "
     "other",
     "<uuid>{uuid}</uuid>", write},
    {Refused, "genid[not(normalize-space())]", "", "each host would make up another one", "<genid>{uuid}</genid>",
     write},
    {Refused, "launchSecurity", "sev-guest", "memory that is encrypted by one host's CPU cannot run on another host",
     "", nullptr},
    {Refused, "memoryBacking/access[@mode='shared']", "", "other processes can write to the guest's memory",
     "<access mode='private'/>", leave_out},
    {Refused, "cpu/numa/cell/@memAccess[. = 'shared']", "", "other processes can write to the guest's memory",
     "memAccess='private'", leave_out},
    {Note, "memoryBacking/hugepages", "", "no test covers huge pages; every host needs as many", "", nullptr},
    {Refused, "vcpu[normalize-space() != '1']", "", one_cpu, "<vcpu>1</vcpu>", write},
    {Refused, "vcpus", "", one_cpu, "", leave_out},
    {Refused, "cpu/topology[@sockets * @cores * @threads != 1 or @dies > 1 or @clusters > 1]", "", one_cpu, "",
     leave_out},
    {Refused, "cpu/numa[cell[@cpus and @cpus != '0']]", "", "a cell names a CPU that is not there: the guest has one",
     "", leave_out},
    {Refused, "numatune/memnode[not(/domain/cpu/numa)]", "", "it belongs to a cell that is not there", "", leave_out},
    {Refused, "maxMemory[not(/domain/cpu/numa)]", "",
     "libvirt wants a NUMA cell for it, and nothing can be plugged in while ft is on", "", leave_out},
    {Refused, "cputune/*[@vcpu and @vcpu != '0'] | cputune/*[@vcpus and @vcpus != '0']", "",
     "it belongs to a CPU that is not there: the guest has one", "", leave_out},
    {Refused,
     "iothreads[normalize-space() != '0'] | iothreadids | defaultiothread | "
     "cputune/iothreadpin | cputune/iothreadsched",
     "iothread", iothread, "", leave_out},
    {Refused, "devices/*/driver/@iothread | devices/*/driver/iothreads", "iothread", iothread, "", leave_out},
    {Refused, "os/type[normalize-space() != 'hvm' or (@arch and @arch != 'x86_64')]", "",
     "only whole x86-64 machines are protected", "", nullptr},
    {Refused,
     "os/type[not(@machine) or @machine = 'pc' or (starts-with(@machine, 'pc-i440fx-')"
     " and not(number(substring(@machine, 11)) <= 10))]",
     "", other_board, I440FX, write},
    {Refused,
     "os/type[@machine and @machine != 'pc' and not(starts-with(@machine, 'pc-i440fx-'))"
     " and not(number(substring-after(@machine, 'pc-q35-')) <= 10)]",
     "microvm isapc", other_board, Q35, write},
    {Note,
     "os/type/@machine[starts-with(., 'pc-') and . != 'pc-q35-10.0' and . != "
     "'pc-i440fx-10.0'"
     " and number(substring-after(substring-after(., 'pc-'), '-')) <= 10]",
     "", "FT's tests use pc-q35-10.0 and pc-i440fx-10.0", "", nullptr},
    {Refused, "os[@firmware]", "",
     "each host would choose a firmware from its own list, often one with secure boot, "
     "which nobody has "
     "tried under FT: name it",
     "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"
     "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>",
     name_firmware},
    {Note, "os/loader[@secure = 'yes']", "",
     "secure boot needs system management mode, which nobody has tried under FT", "", nullptr},
    {Refused, "os[loader/@type = 'pflash' and not(/domain/devices/disk[target/@bus = 'virtio'])]", "",
     "firmware in flash without any virtio drive: the secondary ends when a primary "
     "attaches (a fault that is known)",
     "", nullptr},
    {Refused, "os/smbios[@mode = 'host']", "", "what the host says of itself is another text on the other host", "",
     leave_out},
    {Note, "os/kernel | os/initrd", "",
     "every host needs the same file there: a reboot reads it again, and FT does not "
     "compare it",
     "", nullptr},
    {Refused, "self::*[not(features/acpi)]", "",
     "without it libvirt 9 gives QEMU an option (-no-acpi) that QEMU 10 does not know, and "
     "the "
     "guest cannot be shut down",
     "<features><acpi/></features>", add_feature},
    {Refused, "pm/suspend-to-mem[@enabled = 'yes']", "", "nothing would wake a guest that sleeps",
     "<suspend-to-mem enabled='no'/>", write},
    {Refused, "features/vmcoreinfo[not(@state = 'off')]", "vmcoreinfo", "this device is not known to replay exactly",
     "", leave_out},
    {Refused,
     "features/kvm | features/hyperv | features/pvspinlock | features/ioapic | "
     "features/xen | clock/timer[@name = 'kvmclock' or "
     "@name = 'hypervclock'][not(@present = 'no')]",
     "", "a help of KVM's for its guests, which QEMU itself does not give", "", leave_out},
    {Refused, "clock/@offset[. = 'localtime' or . = 'timezone']", "",
     "QEMU does not record a clock that follows the host's time zone. For a guest that "
     "wants "
     "local time: offset='variable' adjustment='3600' (seconds) basis='utc'",
     "offset='utc'", write},
    {Refused, "clock/@basis[. = 'localtime']", "", "QEMU does not record a clock that follows the host's time zone",
     "basis='utc'", write},
    {Refused, "cpu[@mode = 'host-passthrough' or @mode = 'host-model']", "", from_host_cpu, named_cpu, write},
    {Refused, "cpu/cache[@mode = 'passthrough'] | cpu/maxphysaddr[@mode = 'passthrough']", "", from_host_cpu, "",
     leave_out},
    {Refused, "cpu[not(@mode = 'host-passthrough' or @mode = 'host-model')][@match = 'minimum']", "",
     "libvirt would add what the host has", named_cpu, write},
    {Refused,
     "cpu[(not(@mode) or @mode = 'custom') and (@check = 'full' or @check = "
     "'partial')]/model",
     "",
     "QEMU itself cannot give all features of most models; with check='none' libvirt lets "
     "it leave those out, on every host the same",
     "<cpu mode='custom' match='exact' check='none'>", unchecked_cpu},
    {Refused, "on_poweroff[normalize-space() != 'destroy']", "",
     "each host's libvirt would do it to its own node; the pair ends with its guest",
     "<on_poweroff>destroy</on_poweroff>", write},
    {Refused, "on_reboot[normalize-space() != 'restart' and normalize-space() != 'destroy']", "",
     "each host's libvirt would do it to its own node", "<on_reboot>restart</on_reboot>", write},
    {Refused, "on_crash[normalize-space() != 'destroy' and normalize-space() != 'preserve']", "",
     "each host's libvirt would do it to its own node", "<on_crash>destroy</on_crash>", write},

    /* -- drives -- */
    {Refused, "devices/disk[@device = 'cdrom']", "ide-cd scsi-cd",
     "a CD-ROM needs SATA, SCSI or IDE. To install, boot the installer's "
     "kernel and initrd, or begin with an image that is installed",
     "", leave_out},
    {Refused, "devices/disk[@device = 'floppy']", "floppy", "a floppy is not known to replay exactly", "", leave_out},
    {Refused, DISK "/target[@bus = 'sata']", "ide-hd", no_bus, vd_bus, to_virtio_disk},
    {Refused, DISK "/target[@bus = 'ide']", "ide-hd", no_bus, vd_bus, to_virtio_disk},
    {Refused, DISK "/target[@bus = 'scsi']", "scsi-hd scsi-block", no_bus, vd_bus, to_virtio_disk},
    {Refused, DISK "/target[@bus = 'usb']", "usb-storage", no_bus, vd_bus, to_virtio_disk},
    {Refused, DISK "/target[@bus = 'sd']", "sd-card", no_bus, vd_bus, to_virtio_disk},
    {Refused, DISK "/target[@bus = 'nvme']", "nvme-ns", no_bus, vd_bus, to_virtio_disk},
    {Refused, DISK "/target[not(@bus) and not(starts-with(@dev, 'vd'))]", "",
     "libvirt takes the bus from the name, and this is no "
     "virtio drive's",
     vd_bus, to_virtio_disk},
    {Refused, "devices/disk[@device = 'lun'][target/@bus = 'virtio']/@device", "",
     "SCSI commands that pass through are not in the log", "device='disk'", write},
    {Refused, "devices/disk[@type = 'vhostuser' or @type = 'vhostvdpa']", "vhost-user-blk-pci vhost-vdpa-device-pci",
     "another process answers the drive's requests, and the log does not have its answers", "", nullptr},
    {Refused, "devices/disk[@type = 'nvme' or @type = 'dir']", "",
     "the drive has to be an image in a file, on a block device or a network", "", nullptr},
    {Refused, "devices/disk/transient", "", "a snapshot of one host's own at each start", "", leave_out},
    {Refused, "devices/disk/shareable", "", "others would write to what both nodes have to read alike", "", leave_out},
    {Refused, "devices/disk/iotune", "", "I/O limits: their timers are the host's", "", leave_out},
    {Refused, "devices/disk/driver/@error_policy[. = 'stop' or . = 'enospace']", "", "it stops the guest on one node",
     "error_policy='report'", write},
    {Refused, "devices/disk/driver/@rerror_policy[. = 'stop']", "", "it stops the guest on one node",
     "rerror_policy='report'", write},
    {Refused, DISK "[$shared][not(driver/@cache = 'none' or driver/@cache = 'directsync')]", "",
     "one image for both (ft-disk=shared) has to go past "
     "the page cache of each host",
     "<driver cache='none'/>", past_page_cache},
    {Refused, DISK "[$shared]/driver/@copy_on_read[. = 'on']", "",
     "one image for both (ft-disk=shared) is read and written directly", "", leave_out},
    {Refused, DISK "[$shared][@type != 'file' and @type != 'block' and @type != 'volume']", "",
     "one image for both (ft-disk=shared) is a file or a block device, which have locks", "", nullptr},
    {Refused, DISK "[$shared]/driver[@type and @type != 'raw' and @type != 'qcow2']", "",
     "one image for both (ft-disk=shared) is raw or qcow2", "", nullptr},
    {Refused, DISK "[$shared]/source[not(seclabel[@model = 'dac'][@relabel = 'no'])]", "",
     "when a dead primary's domain ends, its libvirt gives the image back "
     "to root while the survivor uses it. With this it leaves the owner alone: give the "
     "image to libvirt's user by hand (chown)",
     "<seclabel model='dac' relabel='no'/>", keep_owner},

    /* -- controllers -- */
    {Refused, "devices/controller[@type = 'usb'][not(@model = 'none')]",
     "qemu-xhci nec-usb-xhci usb-ehci ich9-usb-ehci1 ich9-usb-uhci1 piix3-usb-uhci "
     "piix4-usb-uhci pci-ohci",
     no_usb, usb_none, leave_out},
    {Refused, "devices[not(controller[@type = 'usb'])]", "", "libvirt adds a USB controller where none is named",
     usb_none, write},
    {Refused, "devices/controller[@type = 'virtio-serial']", "virtio-serial-pci virtio-serial", no_channel, "",
     leave_out},
    {Refused, "devices/controller[@type = 'scsi']",
     "virtio-scsi-pci virtio-scsi lsi53c895a megasas megasas-gen2 mptsas1068 pvscsi "
     "am53c974",
     "a SCSI controller is not known to replay exactly", "", leave_out},
    {Refused, "devices/controller[@type = 'ccid' or @type = 'xenbus']", "usb-ccid",
     "this controller is not known to replay exactly", "", leave_out},
    {Refused, "devices/controller[@type = 'nvme']", "nvme", "an NVMe controller is not known to replay exactly", "",
     leave_out},
    {Refused, "devices/controller[@type = 'pci'][@model = 'dmi-to-pci-bridge']", "i82801b11-bridge", no_bridge_model,
     other_bridge, forget_pci},
    {Refused, "devices/controller[@type = 'pci'][starts-with(@model, 'pcie-switch-')]",
     "x3130-upstream xio3130-downstream", no_bridge_model, other_bridge, forget_pci},
    {Refused,
     "devices/controller[@type = 'pci'][@model = 'pcie-expander-bus' or @model = "
     "'pci-expander-bus']",
     "pxb pxb-pcie", no_bridge_model, other_bridge, forget_pci},
    {Refused, "devices/controller[@type = 'pci']/model[@name = 'ioh3420']", "ioh3420", no_bridge_model,
     "<model name='pcie-root-port'/>", write},

    /* -- network -- */
    {Refused, "devices/interface[not(mac/@address)]", "", "each host would make up another address",
     "<mac address='{mac}'/>", write},
    {Refused, "devices/interface[@type = 'hostdev']", "vfio-pci", "a device of one host", bridge, to_bridge},
    {Refused, "devices/interface[@type = 'vhostuser']", "", "packets that go round QEMU are not in the log", bridge,
     to_bridge},
    {Refused, "devices/interface[@type = 'vdpa']", "", "packets that go round QEMU are not in the log", bridge,
     to_bridge},
    {Note, "devices/interface[@type = 'user']", "",
     "the connections live in one host's process and do not survive a failover; use a "
     "bridge",
     bridge, nullptr},
    {Note, "devices/interface[@type = 'network'][source/@network = 'default']", "",
     "libvirt's own network 'default' is another one on each host: the guest's "
     "connections do not survive a failover; use a bridge of one layer-2 network",
     bridge, nullptr},
    {Note,
     "devices/interface[@type = 'direct' or @type = 'server' or @type = 'client' or @type "
     "= 'mcast' or @type = 'udp']",
     "", "FT's tests use taps on a bridge", bridge, nullptr},
    {Refused, "devices/interface[not(model/@type)]", "",
     "libvirt would choose a card that is not known to replay exactly", nic, to_virtio_nic},
    {Refused, "devices/interface/model[@type = 'e1000']", "e1000 e1000-82544gc e1000-82545em", no_nic, nic,
     to_virtio_nic},
    {Refused, "devices/interface/model[@type = 'e1000e']", "e1000e", no_nic, nic, to_virtio_nic},
    {Refused, "devices/interface/model[@type = 'igb']", "igb", no_nic, nic, to_virtio_nic},
    {Refused, "devices/interface/model[@type = 'rtl8139']", "rtl8139", no_nic, nic, to_virtio_nic},
    {Refused,
     "devices/interface/model[@type = 'ne2k_pci' or @type = 'ne2k_isa' or @type = 'pcnet' "
     "or @type = 'vmxnet3' or @type = 'usb-net' or "
     "starts-with(@type, 'i82') or @type = 'tulip' or @type = 'netfront']",
     "ne2k_pci ne2k_isa pcnet vmxnet3 usb-net i82551 i82557b i82559er tulip", no_nic, nic, to_virtio_nic},
    {Refused, VIRTIO_NIC "[not(driver/@name = 'qemu')]", "",
     "libvirt would let the kernel move packets (vhost), round QEMU and the log", "<driver name='qemu'/>", nic_driver},
    {Refused, "devices/interface/driver/@queues[. != '1']", "",
     "one queue: more of them are for more CPUs, and are refused", "", leave_out},
    {Refused, "devices/interface/link[@state = 'down']", "",
     "libvirt would pull the cable by a command that is refused", "", leave_out},
    {Refused, "devices/interface/teaming", "", "its other half is a device of one host", "", leave_out},

    /* -- screen, keyboard, sound -- */
    {Refused, "devices/graphics[@type = 'vnc']", "", "this QEMU has no VNC", "", leave_out},
    {Refused, "devices/graphics[@type = 'spice']", "", "this QEMU has no SPICE", "", leave_out},
    {Refused, "devices/graphics[@type != 'vnc' and @type != 'spice']", "", "this QEMU has no such screen", "",
     leave_out},
    {Refused, "devices/video/model[@type = 'vga']", "VGA", no_screen, video_none, write},
    {Refused, "devices/video/model[@type = 'virtio']", "virtio-vga virtio-gpu-pci virtio-gpu-gl-pci virtio-vga-gl",
     no_screen, video_none, write},
    {Refused, "devices/video/model[@type = 'bochs']", "bochs-display", no_screen, video_none, write},
    {Refused, "devices/video/model[@type = 'cirrus']", "cirrus-vga", no_screen, video_none, write},
    {Refused, "devices/video/model[@type = 'qxl']", "qxl qxl-vga", no_screen, video_none, write},
    {Refused,
     "devices/video[not(model/@type)] | devices/video/model[contains(' ramfb vmvga xen "
     "vbox parallels gop ', concat(' ', @type, ' '))]",
     "ramfb vmware-svga", no_screen, video_none, write},
    {Refused, "devices/input[@bus = 'usb' or (@type = 'tablet' and not(@bus))]", "usb-tablet usb-mouse usb-kbd",
     no_input, "", leave_out},
    {Refused, "devices/input[@bus = 'virtio'][@type != 'passthrough']",
     "virtio-tablet-pci virtio-keyboard-pci virtio-mouse-pci virtio-keyboard", no_input, "", leave_out},
    {Refused, "devices/input[@type = 'passthrough']", "virtio-input-host-pci", host_only, "", leave_out},
    {Refused, "devices/input[@type = 'evdev']", "input-linux", host_only, "", leave_out},
    {Refused, "devices/input[@bus = 'xen' or @bus = 'parallels' or @bus = 'none']", "", no_input, "", leave_out},
    {Refused, "devices/sound",
     "ich9-intel-hda intel-hda AC97 ES1370 sb16 usb-audio virtio-sound-pci hda-duplex "
     "hda-micro hda-output",
     no_sound, "", leave_out},
    {Refused, "devices/audio[not(@type = 'none')]", "", no_sound, "", leave_out},

    /* -- what talks to the host -- */
    {Refused, "devices/channel", "virtserialport", no_channel, "", leave_out},
    {Refused, "devices/console[target/@type = 'virtio']", "virtconsole", no_channel, "<console type='pty'/>",
     leave_out},
    {Refused,
     "devices/console[target/@type and target/@type != 'serial' and target/@type != "
     "'virtio']",
     "", "only a serial console", "", leave_out},
    {Refused, "devices/serial[target/@type = 'usb-serial']", "usb-serial", no_usb, "<serial type='pty'/>", leave_out},
    {Refused,
     "devices/serial[@type = 'spicevmc' or @type = 'spiceport' or @type = 'dbus' or @type "
     "= 'vc' or @type = 'qemu-vdagent']",
     "", "this QEMU has no such back end", "<serial type='pty'/>", write},
    {Note,
     "devices/serial[@type = 'unix' or @type = 'tcp' or @type = 'pipe' or @type = 'dev'] | "
     "devices/console[@type = 'unix' or @type = 'tcp' or "
     "@type = 'pipe' or @type = 'dev']",
     "", "a client that connects and does not read makes the guest wait", "<serial type='file'>", nullptr},
    {Refused, "devices/parallel", "isa-parallel", "a parallel port is not known to replay exactly", "", leave_out},
    {Refused, "devices/rng/backend[not(@model = 'builtin')]", "rng-random rng-egd",
     "random numbers that QEMU reads from the host are not in the log; "
     "its own are",
     "<backend model='builtin'/>", write},
    {Refused, "devices/tpm", "tpm-crb tpm-tis tpm-spapr", "a TPM's answers come from a process on one host", "",
     leave_out},
    {Refused, "devices/filesystem", "virtio-9p-pci vhost-user-fs-pci", host_only, "", leave_out},
    {Refused, "devices/hostdev", "vfio-pci usb-host scsi-generic vhost-scsi-pci", "a device of one host", "",
     leave_out},
    {Refused, "devices/redirdev | devices/redirfilter", "usb-redir", no_usb, "", leave_out},
    {Refused, "devices/smartcard", "ccid-card-passthru ccid-card-emulated", host_only, "", leave_out},
    {Refused, "devices/shmem", "ivshmem ivshmem-plain ivshmem-doorbell",
     "other processes write to memory that the guest reads", "", leave_out},
    {Refused, "devices/vsock", "vhost-vsock-pci", "the kernel moves its data, round QEMU and the log", "", leave_out},
    {Refused, "devices/crypto", "virtio-crypto-pci", host_only, "", leave_out},
    {Refused, "devices/lease", "", "a lease lets one host run the domain; a pair runs on two", "", leave_out},
    {Refused, "devices/pstore", "acpi-erst", "this device is not known to replay exactly", "", leave_out},

    /* -- other devices -- */
    {Refused, "devices[not(memballoon)]", "", "libvirt adds a balloon where none is named",
     "<memballoon model='none'/>", write},
    {Refused, "devices/memballoon[not(@model = 'none')]", "virtio-balloon-pci virtio-balloon",
     "a balloon is not known to replay exactly", "<memballoon model='none'/>", write},
    {Refused, "devices/watchdog[@model = 'i6300esb']", "i6300esb", no_dog, "", leave_out},
    {Refused, "devices/watchdog[@model = 'ib700' or @model = 'diag288' or not(@model)]", "ib700", no_dog, "",
     leave_out},
    {Refused,
     "devices/watchdog[@model = 'itco']/@action[. = 'pause' or . = 'shutdown' or . = "
     "'poweroff' or . = 'dump' or . = 'inject-nmi']",
     "", "it would come at another instruction on each node", "action='reset'", write},
    {Refused, "devices/iommu", "intel-iommu virtio-iommu-pci amd-iommu", "an IOMMU is not known to replay exactly", "",
     leave_out},
    {Refused, "devices/memory", "pc-dimm nvdimm virtio-mem-pci virtio-pmem-pci", no_memory_device, "", leave_out},
    {Refused, "devices/panic[@model and @model != 'isa' and @model != 'pvpanic']", "",
     "this notifier is not one of QEMU's own", "<panic model='isa'/>", write},
    {Refused, "devices/hub", "usb-hub", no_usb, "", leave_out},
    {Refused, "devices/nvram", "", "there is no such device on these boards", "", leave_out},
    {Refused,
     "devices/*[not(self::emulator or self::disk or self::controller or self::interface or "
     "self::graphics or self::video or self::input or self::sound "
     "or self::audio or self::channel or self::console or self::serial or self::parallel "
     "or self::rng or self::tpm or self::filesystem or self::hostdev or "
     "self::redirdev or self::redirfilter or self::smartcard or self::shmem or self::vsock "
     "or self::crypto or self::lease or self::pstore or self::memballoon "
     "or self::watchdog or self::iommu or self::memory or self::panic or self::hub or "
     "self::nvram)]",
     "", "it is not known to replay exactly", "", leave_out},
    {Note, "devices[not(serial) and not(console)]", "", "without a serial console nobody can see the guest",
     "<serial type='pty'/>", write},

    /* -- QEMU and its command line -- */
    {Refused, "self::*[not(devices)]", "", "a guest without devices", "", nullptr},
    {Refused,
     "devices[not(emulator)] | devices/emulator[$emulator != '' and . != $emulator] | "
     "devices/emulator[$emulator = '' and (starts-with(., '/usr/bin/') or "
     "starts-with(., '/usr/libexec/'))]",
     "", "another QEMU, which knows nothing of ft=", "<emulator>{emulator}</emulator>", write},
    {Refused, "qemu:commandline/qemu:arg/@value[contains(., 'ft=primary')]", "",
     "whoever starts the stored domain would start a second machine: the stored role is a "
     "secondary, and ftctl start makes the primary",
     "value='...,ft=secondary,ft-listen=0.0.0.0:PORT'", nullptr},
    {Refused,
     "qemu:commandline/qemu:arg[@value = '-icount' or @value = '-incoming' or @value = "
     "'-snapshot' or @value = '-smp' or @value = '-enable-kvm' or "
     "@value = '-accel' or @value = '-S' or @value = '-loadvm']",
     "", "FT or libvirt gives this itself, or it cannot be protected", "", nullptr},
    {Note,
     "qemu:commandline/qemu:arg[not(@value = '-machine' or contains(@value, 'ft='))] | "
     "qemu:override",
     "", "not looked at here: QEMU refuses at its start what it cannot protect", "", nullptr},
    {Note, "self::*[not(" FT_ARG ") and not(metadata/ft:pair)]", "",
     "nothing says yet that this domain is one of a pair; ftctl convert writes it",
     "<metadata><ft:pair .../></metadata>", nullptr},
};

constexpr Accepted accepted_table[] = {
    {"virtio-net-pci", "interface/model virtio"},
    {"virtio-net-device", ""},
    {"virtio-rng-pci", "rng virtio"},
    {"virtio-rng-device", ""},
    {"virtio-blk-pci", "disk/target bus virtio"},
    {"virtio-blk-device", ""},
    {"virtio-pci-bus", ""},
    {"rng-builtin", "rng/backend builtin"},
    {"pcie-root-port", "controller pcie-root-port"},
    {"pcie-pci-bridge", "controller pcie-to-pci-bridge"},
    {"pci-bridge", "controller pci-bridge"},
    {"i440FX", "controller pci-root"},
    {"i440FX-pcihost", ""},
    {"PIIX3", ""},
    {"PIIX4_PM", ""},
    {"q35-pcihost", "controller pcie-root"},
    {"mch", ""},
    {"ICH9-LPC", "watchdog itco"},
    {"ICH9-SMB", ""},
    {"ICH9-cpu-hotplug", ""},
    {"cpu-hotplug-legacy", ""},
    {"smbus-eeprom", ""},
    {"hpet", "timer hpet"},
    {"fw_cfg_io", ""},
    {"isa-fdc", "controller fdc"},
    {"port92", ""},
    {"vmport", "features/vmport"},
    {"vmmouse", ""},
    {"serial", ""},
    {"ioapic", ""},
    {"apic", "features/apic"},
    {"isa-i8259", ""},
    {"isa-pit", "timer pit"},
    {"pcspk", ""},
    {"isa-pcspk", ""},
    {"PCSPK", ""},
    {"mc146818rtc", "timer rtc"},
    {"i8042", ""},
    {"i8257", ""},
    {"isa-serial", "serial isa-serial"},
    {"pci-serial", "serial pci-serial"},
    {"ich9-ahci", "controller sata"},
    {"piix3-ide", "controller ide"},
    {"port80", ""},
    {"portF0", ""},
    {"ps2-kbd", "input keyboard bus ps2"},
    {"ps2-keyboard", ""},
    {"ps2-mouse", "input mouse bus ps2"},
    {"tcg-apic", ""},
    {"cfi.pflash01", "os/loader pflash"},
    {"isabus-bridge", ""},
    {"platform-bus-device", ""},
    {"generic-loader", ""},
    {"vmgenid", "genid"},
    {"or-irq", ""},
    {"split-irq", ""},
    {"isa-debugcon", "serial isa-debug"},
    {"isa-debug-exit", ""},
    {"debugexit", ""},
    {"pvpanic", "panic isa"},
    {"pvpanic-pci", "panic pvpanic"},
    /* objects */
    {"memory-backend-ram", "memory"},
    {"memory-backend-file", "memoryBacking/source file"},
    {"memory-backend-memfd", "memoryBacking/source memfd"},
    {"secret", ""},
    {"secret_keyring", ""},
    {"tls-creds-anon", ""},
    {"tls-creds-psk", ""},
    {"tls-creds-x509", ""},
    {"authz-list", ""},
    {"authz-list-file", ""},
    {"authz-pam", ""},
    {"authz-simple", ""},
    {"throttle-group", "throttlegroups"},
    {"main-loop", ""},
    {"thread-context", ""},
    {"filter-dump", ""},
};

} // namespace

std::span<const Rule> rules() {
    return table;
}

std::span<const Accepted> accepted() {
    return accepted_table;
}

} // namespace ftctl::domain
