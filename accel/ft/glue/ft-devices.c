/*
 * The devices' state: saved at the cut, and loaded by both nodes.
 *
 * Main, RL + BQL, VM stopped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "qemu/units.h"
#include "exec/target_page.h"
#include "hw/core/cpu.h"
#include "io/channel-buffer.h"
#include "qemu/error-report.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "../accel/tcg/internal-common.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"

GByteArray *ft_save_devices(void)
{
    QIOChannelBuffer *b = qio_channel_buffer_new(256 * KiB);
    QEMUFile *f = qemu_file_new_output(QIO_CHANNEL(b));
    GByteArray *blob = NULL;

    if (qemu_save_device_state(f) == 0 && qemu_fflush(f) == 0) {
        blob = g_byte_array_sized_new(b->usage);
        g_byte_array_append(blob, b->data, b->usage);
    }
    qemu_fclose(f);
    object_unref(OBJECT(b));
    return blob;
}

/* Both nodes: reset, then load what ft_save_devices() has made. */
bool ft_restore_devices(const GByteArray *blob)
{
    QIOChannelBuffer *b = qio_channel_buffer_new(blob->len);
    QEMUFile *f;
    bool ok;

    qio_channel_write_all(QIO_CHANNEL(b), (char *)blob->data, blob->len, &error_abort);
    qio_channel_io_seek(QIO_CHANNEL(b), 0, 0, &error_abort);
    f = qemu_file_new_input(QIO_CHANNEL(b));
    qemu_system_reset(SHUTDOWN_CAUSE_SNAPSHOT_LOAD);
    ok = qemu_get_be32(f) == QEMU_VM_FILE_MAGIC
        && qemu_get_be32(f) == QEMU_VM_FILE_VERSION
        && qemu_load_device_state(f) == 0;
    /* Empty is not enough: the size of a TLB is history that the guest can see. */
    tlb_destroy(first_cpu);
    tlb_init(first_cpu);
    qemu_fclose(f);
    object_unref(OBJECT(b));
    return ok;
}

/*
 * What the restore has left for the vCPU thread to do, a flush of its TLB, is done
 * before the log begins: the first digest would come before it on the primary and
 * behind it on the secondary, and looks at the TLB. That thread, which may wait for
 * the replay mutex, cannot be asked; its CPU is stopped and the BQL is ours.
 */
void ft_settle_cpu(void)
{
    g_assert(cpu_is_stopped(first_cpu));
    process_queued_cpu_work(first_cpu);
}
