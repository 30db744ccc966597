/*
 * How fast the guest may write to its drives while they are copied at an attach.
 *
 * A chunk that was copied already and is written to by the guest must be copied again.
 * The copy ends only if less must be copied again than it gets through. So, once all drives
 * were compared, the guest may cause half as much copying as the copy gets through, and
 * the drives that it writes to have equal shares of that. Each drive has an account of its
 * own: a write adds its bytes to it, time takes them off at the rate of the share, and the
 * answer to the write waits until they are gone. So a drive with few writes never waits
 * for one with many.
 *
 * No answer waits longer than delay_most_ns, so a guest with many large requests under way
 * may be faster than its share. If so much must be copied again that the rest does not
 * shrink by a quarter of what is copied, the attach is given up with both figures.
 *
 * Pure: no clock of its own, times are nanoseconds. THREAD: main or vCPU, BQL held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_COPY_PACE_HPP
#define BLOCK_FT_FILTER_COPY_PACE_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace ft {

class CopyPace {
  public:
    /* The longest delay of an answer, when many writes of its drive are under way
     * together. */
    static constexpr uint64_t delay_most_ns = 100'000'000;
    /* Writes that come one after another, as for a commit, are each alone, and a client
     * waits for all of them; an attach may take half a second from that client. So one
     * write alone waits at most this long, and this much longer for each other write of its
     * drive that waits already. */
    static constexpr uint64_t delay_alone_ns = 25'000'000;
    /* How long the rest may take to shrink. */
    static constexpr uint64_t hopeless_ns = 10'000'000'000;
    /* A drive that was written to within this time has a share. */
    static constexpr uint64_t busy_ns = 1'000'000'000;
    /* After a pause this much of a share may be written at once, without a delay. */
    static constexpr uint64_t credit_ns = 100'000'000;

    explicit CopyPace(unsigned drives) : accounts_(drives) {}

    /* All drives were compared once: from now on writes are counted, and delayed. */
    void begin() noexcept { begun_ = true; }
    /* The copy has copied bytes in ns of work and of waiting for the link. */
    void copied(uint64_t bytes, uint64_t ns) noexcept;
    /* A write of the guest is in the image; returns how long its answer has to wait. */
    struct Write {
        uint64_t now_ns, bytes;
        uint64_t anew;      /* bytes of its chunks that were copied already */
        unsigned waiting;   /* answers of this drive wait now */
        uint64_t link_rate; /* bytes a second; 0: not known */
    };
    uint64_t written(unsigned drive, const Write &write) noexcept;
    /* left: what is still to be copied; few: what may be left for the cut. True: the
     * copy cannot win. */
    bool hopeless(uint64_t now_ns, uint64_t left, uint64_t few) noexcept;

    /* Bytes a second that the copy gets through; 0: not known. */
    uint64_t rate() const noexcept;
    /* When it is hopeless: the drive that was written to most, and both figures. */
    unsigned busiest() const noexcept;
    std::string why(uint64_t now_ns, uint64_t left) const;

  private:
    struct Account {
        uint64_t at_ns = 0;   /* the last write that had to be copied again */
        double owed = 0;      /* bytes; below zero: credit */
        uint64_t written = 0; /* bytes since the trial began */
    };

    double share(uint64_t now_ns, uint64_t link_rate) const noexcept;
    void begin_trial(uint64_t now_ns, uint64_t left) noexcept;

    std::vector<Account> accounts_;
    bool begun_ = false;
    double bytes_ = 0, seconds_ = 0; /* of the copy; what is older counts less */
    uint64_t copied_ = 0;            /* in all */
    struct {
        uint64_t from_ns = 0, left = 0, copied = 0;
    } trial_;
};

} // namespace ft

#endif
