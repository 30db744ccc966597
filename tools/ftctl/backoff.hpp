/*
 * How long to wait before the next try: twice as long after each failure.
 * Pure; seconds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_BACKOFF_HPP
#define FTCTL_BACKOFF_HPP

#include <algorithm>

namespace ftctl {

class Backoff {
  public:
    Backoff(double first_s, double most_s) : first_(first_s), most_(most_s) {}

    /* A try has failed; the time until the next. */
    double failed() {
        now_ = now_ == 0 ? first_ : std::min(now_ * 2, most_);
        return now_;
    }
    void succeeded() { now_ = 0; }

  private:
    double first_, most_, now_ = 0;
};

} // namespace ftctl

#endif
