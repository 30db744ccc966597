/*
 * When frames were made: tells how old the oldest one is that the secondary has not
 * executed.
 *
 * A sample each millisecond while the secondary follows closely. The further it is
 * behind, the fewer: a sample each 64th of the lag, so that the samples of any lag fit
 * (64 samples for each factor e of lag).
 *
 * All times are nanoseconds. THREAD: add() and clear() under one lock; oldest() any.
 * ERRORS: of more samples than fit the oldest are forgotten; the lag then looks shorter.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_LAG_SAMPLES_HPP
#define HW_FT_REPLAY_LAG_SAMPLES_HPP

#include <array>
#include <atomic>
#include <cstdint>

namespace ft {

class LagSamples {
  public:
    /* worked_ns: how long the primary had worked when this frame was made. */
    struct Sample {
        uint64_t seq, at_ns, worked_ns;
    };

    /* A frame was made; the secondary has executed all up to executed_seq. */
    void add(Sample sample, uint64_t executed_seq) noexcept;
    /* The oldest sample that is not executed. False: all are. */
    bool oldest(uint64_t executed_seq, Sample *sample) const noexcept;
    /* Another log begins. */
    void clear() noexcept { end_.store(0, std::memory_order_release); }

  private:
    static constexpr unsigned room = 1024;
    /* Each field is read and written whole, which is enough: a slot is overwritten only
     * after 1,024 more samples. */
    struct Slot {
        std::atomic<uint64_t> seq, at_ns, worked_ns;
    };

    std::array<Slot, room> slots_{};
    std::atomic<unsigned> end_{0};
};

} // namespace ft

#endif
