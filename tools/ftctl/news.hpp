/*
 * Something happened: set by whoever notices it (libvirt's event loop, say),
 * waited for by one thread. Texts are kept in their order; when there are more
 * than are kept, the oldest go, because the state itself is asked for anyway.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_NEWS_HPP
#define FTCTL_NEWS_HPP

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "deadline.hpp"

namespace ftctl {

class News {
  public:
    static constexpr size_t kept_max = 256;

    void tell(std::string text) {
        std::lock_guard lock(mutex_);
        if (texts_.size() == kept_max) {
            texts_.pop_front();
        }
        texts_.push_back(std::move(text));
        changed_.notify_all();
    }

    /* Until there is something, the deadline, or a request to stop. */
    std::vector<std::string> wait(Deadline deadline, std::stop_token stop = {}) {
        std::unique_lock lock(mutex_);
        changed_.wait_until(lock, stop, deadline, [&] { return !texts_.empty(); });
        std::vector<std::string> all(texts_.begin(), texts_.end());
        texts_.clear();
        return all;
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::string> texts_;
};

} // namespace ftctl

#endif
