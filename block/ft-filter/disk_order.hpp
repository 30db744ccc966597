/*
 * Which requests of one drive may go to a shared image now, with ft-disk=shared.
 * Two users: the primary with ft-disk-reads=disk, whose secondary reads the same
 * image a moment later, and a survivor that issues again what the dead primary
 * may have left half done.
 *
 * A request waits for those before it that are not finished and conflict: a write
 * for what overlaps it, a read for writes that overlap it, a flush for all writes.
 * A write also waits for each finished read that overlaps it until the secondary
 * has executed that read's completion: it reads the image itself, and must find
 * what the primary has found (VMware FT paper, 4.2).
 *
 * Used under the BQL. What if it is full: the oldest finished reads are forgotten
 * one by one, and every write waits until the secondary has executed the last of
 * those. What must never happen: a write starts too early.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_DISK_ORDER_HPP
#define BLOCK_FT_FILTER_DISK_ORDER_HPP

#include <cstddef>
#include <cstdint>
#include <deque>

#include "accel/ft/ft.h"

namespace ft {

class DiskOrder {
  public:
    explicit DiskOrder(size_t reads_max) : reads_max_(reads_max) {}

    void add(uint64_t id, FtDiskKind kind, uint64_t offset, uint64_t bytes);
    /* executed_seq: the secondary has executed all frames up to here. */
    bool may_start(uint64_t id, uint64_t executed_seq);
    /* seq: the frame with its completion, if the secondary reads it too; else 0. */
    void finish(uint64_t id, uint64_t seq);
    /* No write has to wait any more for a read that the secondary has yet to execute. */
    bool reads_executed(uint64_t executed_seq);

  private:
    struct Range {
        uint64_t offset, bytes;

        bool overlaps(const Range &other) const {
            return offset < other.offset + other.bytes && other.offset < offset + bytes;
        }
    };
    struct Request {
        uint64_t id;
        FtDiskKind kind;
        Range range;
    };
    struct Read {
        uint64_t seq;
        Range range;
    };

    static bool conflicts(const Request &before, const Request &r);
    void forget_executed(uint64_t executed_seq);

    const size_t reads_max_;
    std::deque<Request> unfinished_; /* in the order in which they came */
    std::deque<Read> reads_;         /* finished, by seq */
    uint64_t forgotten_seq_ = 0;     /* writes wait for all reads up to here */
};

} // namespace ft

#endif
