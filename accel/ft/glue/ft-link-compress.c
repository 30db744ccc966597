/*
 * zstd on the log, if the primary is told so (ft-compress=zstd): one LOG body after
 * the other, each on its own, so that none needs what came before it. A body that is
 * short or does not get smaller goes as it is. The secondary needs no option.
 *
 * THREAD: packing by the sender, unpacking by the receiver; nothing is shared.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include <zstd.h>

/* Shorter ones are a few events; the header around them is as long. */
#define FT_PACK_MIN 512
/* The fastest: it is in the way of each acknowledgement. */
#define FT_PACK_LEVEL 1

size_t ft_pack(const uint8_t *body, size_t len, uint8_t *out, size_t cap)
{
    size_t n;

    if (len < FT_PACK_MIN) {
        return 0;
    }
    n = ZSTD_compress(out, MIN(cap, len - 1), body, len, FT_PACK_LEVEL);
    return ZSTD_isError(n) ? 0 : n;
}

bool ft_unpack(const GByteArray *packed, GByteArray *body, Error **errp)
{
    unsigned long long len = ZSTD_getFrameContentSize(packed->data, packed->len);
    size_t n;

    if (len == ZSTD_CONTENTSIZE_ERROR || len == ZSTD_CONTENTSIZE_UNKNOWN) {
        error_setg(errp, "log_zstd: not a zstd frame that tells its length");
        return false;
    }
    if (len > FT_WIRE_BODY_MAX) {
        error_setg(errp, "log_zstd: length %llu > max %d", len, FT_WIRE_BODY_MAX);
        return false;
    }
    g_byte_array_set_size(body, len);
    n = ZSTD_decompress(body->data, len, packed->data, packed->len);
    if (ZSTD_isError(n) || n != len) {
        error_setg(errp, "log_zstd: %s", ZSTD_isError(n) ? ZSTD_getErrorName(n)
                   : "shorter than it says");
        return false;
    }
    return true;
}
