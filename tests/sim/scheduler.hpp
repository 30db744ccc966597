/*
 * True time of the simulated world and what is due in it. Events of one
 * instant run in the order in which they were asked for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_SCHEDULER_HPP
#define TESTS_SIM_SCHEDULER_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace ft::sim {

constexpr uint64_t us = 1000, ms = 1000 * us, s = 1000 * ms;

class Scheduler {
  public:
    using Work = std::move_only_function<void()>;

    uint64_t now() const { return now_; }

    void after(uint64_t delay_ns, Work work) {
        heap_.push_back({now_ + delay_ns, count_++, std::move(work)});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    /* Runs the next event that is due before end; false when there is none. */
    bool run_one(uint64_t end_ns) {
        if (heap_.empty() || heap_.front().due > end_ns) {
            now_ = std::max(now_, end_ns);
            return false;
        }
        std::pop_heap(heap_.begin(), heap_.end(), later);
        Event e = std::move(heap_.back());
        heap_.pop_back();
        now_ = e.due;
        e.work();
        return true;
    }

  private:
    struct Event {
        uint64_t due;
        uint64_t order;
        Work work;
    };
    static bool later(const Event &a, const Event &b) {
        return a.due != b.due ? a.due > b.due : a.order > b.order;
    }

    uint64_t now_ = 0;
    uint64_t count_ = 0;
    std::vector<Event> heap_;
};

} // namespace ft::sim

#endif
