/*
 * A call that may block for ever costs its caller a bounded time: within()
 * runs it in a thread of its own and stops waiting at the deadline. The thread
 * goes on by itself, so the work must own all that it uses (shared_ptr and
 * copies, never a reference to its caller's frame), and its answer is thrown
 * away when it comes. A process that ends does not wait for such threads
 * (main() leaves by quick_exit).
 *
 * Callable from any thread. What must never happen: one more of these threads
 * with each turn of a loop; whoever repeats a call has to remember that the
 * last one has not come back (see Outstanding).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DEADLINE_HPP
#define FTCTL_DEADLINE_HPP

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>

#include "sentence.hpp"

namespace ftctl {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline Clock::duration seconds(double s) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
}

inline Deadline after(double s) {
    return Clock::now() + seconds(s);
}

inline double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
}

inline Deadline earlier(Deadline a, Deadline b) {
    return a < b ? a : b;
}

/* work() -> Result<T> or Status; late: what to say when it does not come back. */
template <typename Work>
auto within(Deadline deadline, std::string_view late, Work work) -> std::invoke_result_t<Work> {
    using Answer = std::invoke_result_t<Work>;
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();

    try {
        std::thread([promise, work = std::move(work)]() mutable {
            /* Frees everything that the work holds before its answer is given. */
            auto answer = [&]() -> Answer {
                Work own(std::move(work));
                try {
                    return own();
                } catch (const std::exception &e) {
                    return refuse(e.what());
                }
            }();
            promise->set_value(std::move(answer));
        }).detach();
    } catch (const std::system_error &e) {
        return refuse("no thread for a call: ", e.what());
    }
    if (future.wait_until(deadline) != std::future_status::ready) {
        return refuse(late);
    }
    return future.get();
}

/*
 * Says that a call is under way, for as long as its mark exists. The thread that makes
 * the call holds the mark, also after its caller has stopped waiting for it.
 */
class Outstanding {
  public:
    using Mark = std::shared_ptr<void>;

    /* Null while another mark is held. */
    Mark take() {
        auto flag = held_;
        if (flag->exchange(true)) {
            return nullptr;
        }
        return Mark(static_cast<void *>(flag.get()), [flag](void *) { *flag = false; });
    }

  private:
    std::shared_ptr<std::atomic<bool>> held_ = std::make_shared<std::atomic<bool>>(false);
};

} // namespace ftctl

#endif
