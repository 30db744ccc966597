/*
 * How an attach goes on: send more, slow the guest, cut, or give up.
 *
 * The guest writes while its memory is copied, and what it wrote is copied again. That
 * comes to an end only if it writes less than the link carries. So at each look at the
 * dirty memory this compares what was sent with what was written to anew. Does more than
 * half come back, the guest is slowed, more each time, up to a limit; at the
 * limit the rest has to shrink by a quarter of what is sent, or the attach is given up
 * with figures. The cut comes when the rest is carried in a moment: until then output is
 * held. What the cut sends, and so what memory it takes, has a bound.
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
    /* The guest stands still for so much of its time at most: on a busy host one that had
     * an eighth of it left was too busy with its own clock ticks to answer anybody. */
    static constexpr unsigned slowed_most = 750;
    /* The rest at a cut is carried in this time; if slowing has come to its end, in that. */
    static constexpr uint64_t cut_aim_ns = 200'000'000, cut_most_ns = 350'000'000;
    /* As much as a cut ever sends: it is in this node's memory, twice for a moment. */
    static constexpr uint64_t cut_bytes_most = 16 << 20;
    /* So little is cut at once, where the link is not the question. */
    static constexpr uint64_t cut_bytes_few = 1 << 20;
    /* A link that never was busy is not asked for more at once. */
    static constexpr uint64_t cut_bytes_unknown = 2 << 20;
    /* Between two looks in a pass that takes longer. */
    static constexpr uint64_t look_ns = 1'000'000'000;
    /* So long a guest that is slowed to the limit may make no progress. */
    static constexpr uint64_t hopeless_ns = 10'000'000'000;
    /* All memory is sent so many times at most. */
    static constexpr uint64_t times_most = 5;

    AttachPace(uint64_t now_ns, uint64_t memory) noexcept
        : link_(now_ns),
          memory_(memory),
          left_(memory),
          looked_ns_(now_ns),
          since_{now_ns, 0} {}

    LinkRate &link() noexcept { return link_; }
    FtAttachVerdict look(const FtAttachLook &look) noexcept;
    /* Thousandths of its time that the guest is to stand still. */
    unsigned slowed() const noexcept { return slowed_; }
    /* Bytes a second of memory that the guest has written to, each page once a look. */
    uint64_t written_rate() const noexcept { return written_rate_; }
    unsigned looks() const noexcept { return looks_; }
    bool look_is_due(uint64_t now_ns) const noexcept;
    /* A piece that a slow link carries in a twentieth of a second. */
    uint64_t slice_bytes(uint64_t most) const noexcept;
    /* Why it was given up. */
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
    uint64_t written_rate_ = 0, free_rate_ = 0; /* the latter: when it was not slowed */
    struct {
        uint64_t from_ns, bytes;
    } since_;
    struct {
        uint64_t from_ns = 0, left = 0, sent = 0;
    } trial_; /* the guest is slowed to the limit */
};

/* A vCPU thread that has worked for ran_ns stands still for so long now. */
uint64_t slowed_pause_ns(uint64_t ran_ns, unsigned slowed) noexcept;

} // namespace ft

#endif
