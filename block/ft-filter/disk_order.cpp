/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block/ft-filter/disk_order.hpp"

#include <algorithm>
#include <cinttypes>

#include "accel/ft/assert.hpp"
#include "accel/ft/result.hpp"

namespace ft {

bool DiskOrder::conflicts(const Request &before, const Request &r) {
    switch (r.kind) {
    case FT_DISK_KIND_READ:
        return before.kind == FT_DISK_KIND_WRITE && before.range.overlaps(r.range);
    case FT_DISK_KIND_WRITE:
        return before.kind != FT_DISK_KIND_FLUSH && before.range.overlaps(r.range);
    case FT_DISK_KIND_FLUSH:
        return before.kind == FT_DISK_KIND_WRITE;
    }
    return true;
}

void DiskOrder::add(uint64_t id, FtDiskKind kind, uint64_t offset, uint64_t bytes) {
    unfinished_.push_back({id, kind, {offset, bytes}});
}

/* Reads may finish in another order than they were logged in, so the whole list is
 * searched; it is short. */
void DiskOrder::forget_executed(uint64_t executed_seq) {
    std::erase_if(reads_, [&](const Read &r) { return r.seq <= executed_seq; });
}

bool DiskOrder::may_start(uint64_t id, uint64_t executed_seq) {
    auto me = std::ranges::find(unfinished_, id, &Request::id);

    FT_ASSERT(me != unfinished_.end(), "request %" PRIu64 " was never added", id);
    for (auto before = unfinished_.begin(); before != me; ++before) {
        if (conflicts(*before, *me)) {
            return false;
        }
    }
    if (me->kind != FT_DISK_KIND_WRITE) {
        return true;
    }
    forget_executed(executed_seq);
    return executed_seq >= forgotten_seq_ &&
           std::ranges::none_of(reads_,
                                [&](const Read &r) { return r.range.overlaps(me->range); });
}

void DiskOrder::finish(uint64_t id, uint64_t seq) {
    auto me = std::ranges::find(unfinished_, id, &Request::id);

    FT_ASSERT(me != unfinished_.end(), "request %" PRIu64 " was never added", id);
    if (me->kind == FT_DISK_KIND_READ && seq) {
        if (reads_.size() >= reads_max_) {
            forgotten_seq_ = std::max(forgotten_seq_, reads_.front().seq);
            reads_.pop_front();
        }
        reads_.push_back({seq, me->range});
    }
    unfinished_.erase(me);
}

bool DiskOrder::reads_executed(uint64_t executed_seq) {
    forget_executed(executed_seq);
    return reads_.empty() && executed_seq >= forgotten_seq_;
}

} // namespace ft

struct FtDiskOrder : ft::DiskOrder {
    using DiskOrder::DiskOrder;
};

/* THREAD: main, BQL held. OWNERSHIP: the caller frees with ftc_disk_order_free. */
FtDiskOrder *ftc_disk_order_new(size_t reads_max) noexcept {
    return ft::make_or_null<FtDiskOrder>(reads_max);
}

/* THREAD: main, BQL held. OWNERSHIP: o is gone; NULL is fine. */
void ftc_disk_order_free(FtDiskOrder *o) noexcept {
    delete o;
}

/* THREAD: any, BQL held. OWNERSHIP: nothing changes hands. Without memory the order
 * cannot be kept, and an image written in the wrong order is worse than a process that
 * ends. */
void ftc_disk_order_add(FtDiskOrder *o, uint64_t id, FtDiskKind kind, uint64_t offset,
                        uint64_t bytes) noexcept {
    o->add(id, kind, offset, bytes);
}

/* THREAD: any, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_disk_order_may_start(FtDiskOrder *o, uint64_t id, uint64_t executed_seq) noexcept {
    return o->may_start(id, executed_seq);
}

/* THREAD: any, BQL held. OWNERSHIP: nothing changes hands. */
void ftc_disk_order_finish(FtDiskOrder *o, uint64_t id, uint64_t seq) noexcept {
    o->finish(id, seq);
}

/* THREAD: any, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_disk_order_reads_executed(FtDiskOrder *o, uint64_t executed_seq) noexcept {
    return o->reads_executed(executed_seq);
}
