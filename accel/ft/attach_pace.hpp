/*
 * How an attach goes on: send more, slow the guest, cut, or give up.
 *
 * The guest writes while its memory is copied, and what it has written is copied again.
 * That ends only if the guest writes less than the link carries. So each look at the dirty
 * memory compares what was sent with what was written to since. If more than half must be
 * sent again, the guest is slowed, more each time, up to a limit. At the limit the rest
 * has to shrink by a quarter of what is sent, or the attach is given up with both
 * figures. The cut comes when the rest can be sent in a moment, because output is held
 * while it is sent. What a cut sends, and so the memory that it takes, has a bound.
 *
 * Pure: no clock of its own, times are nanoseconds. THREAD: one, main.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_ATTACH_PACE_HPP
#define ACCEL_FT_ATTACH_PACE_HPP

#include <cstdint>
#include <string>

#include "accel/ft/ft.h"
#include "accel/ft/link_rate.hpp"

namespace ft {

class AttachPace {
  public:
    /* At most this many thousandths of its time the guest stands still. A guest with an
     * eighth of its time left, on a busy host, was too busy with its own clock ticks to
     * answer anybody. */
    static constexpr unsigned slowed_most = 750;
    /* The rest at a cut must be carried in cut_aim_ns; in cut_most_ns when slowing the
     * guest has not helped. */
    static constexpr uint64_t cut_aim_ns = 200'000'000, cut_most_ns = 350'000'000;
    /* A cut never sends more: this node holds it in memory, twice for a moment. */
    static constexpr uint64_t cut_bytes_most = 16 << 20;
    /* A rest this small is cut at once, whatever the link carries. */
    static constexpr uint64_t cut_bytes_few = 1 << 20;
    /* A cut never sends more over a link that was never busy, so that its rate is not
     * known. */
    static constexpr uint64_t cut_bytes_unknown = 2 << 20;
    /* The time between two looks in a pass that takes longer than that. */
    static constexpr uint64_t look_ns = 1'000'000'000;
    /* How long a guest that is slowed to the limit may go without progress of the
     * attach. */
    static constexpr uint64_t hopeless_ns = 10'000'000'000;
    /* Memory is sent at most this many times. */
    static constexpr uint64_t times_most = 5;

    AttachPace(uint64_t now_ns, uint64_t memory) noexcept
        : link_(now_ns), memory_(memory), left_(memory), looked_ns_(now_ns),
          since_{now_ns, 0} {}

    LinkRate &link() noexcept { return link_; }
    FtAttachVerdict look(const FtAttachLook &look) noexcept;
    /* Thousandths of its time that the guest is to stand still. */
    unsigned slowed() const noexcept { return slowed_; }
    /* Bytes of memory that the guest writes to in a second; a page counts once in each
     * look. */
    uint64_t written_rate() const noexcept { return written_rate_; }
    unsigned looks() const noexcept { return looks_; }
    bool look_is_due(uint64_t now_ns) const noexcept;
    /* How much to send at once: what a slow link carries in a twentieth of a second. */
    uint64_t slice_bytes(uint64_t most) const noexcept;
    /* Why the attach was given up. */
    std::string why() const;

  private:
    void measure(const FtAttachLook &look) noexcept;
    bool carried_in(uint64_t bytes, uint64_t ns) const noexcept;
    bool hopeless(const FtAttachLook &look) noexcept;
    void begin_trial(const FtAttachLook &look) noexcept;

    LinkRate link_;
    uint64_t memory_, left_, beside_ = 0;
    uint64_t looked_ns_;
    uint64_t sent_ = 0; /* of memory, as pages, in all */
    unsigned looks_ = 0, slowed_ = 0;
    uint64_t written_rate_ = 0, free_rate_ = 0; /* free: while it was not slowed */
    struct {
        uint64_t from_ns, bytes;
    } since_;
    struct {
        uint64_t from_ns = 0, left = 0, sent = 0;
    } trial_; /* the guest is slowed to the limit */
};

/* How long a vCPU thread that has worked for ran_ns has to stand still. */
uint64_t slowed_pause_ns(uint64_t ran_ns, unsigned slowed) noexcept;

} // namespace ft

#endif
