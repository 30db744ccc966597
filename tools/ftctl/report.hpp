/*
 * What a verb tells its caller: lines with the time since the start for people,
 * or one JSON object at the end for programs. Not for several threads at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_REPORT_HPP
#define FTCTL_REPORT_HPP

#include <string>

#include <nlohmann/json.hpp>

#include "deadline.hpp"

namespace ftctl {

class Report {
  public:
    explicit Report(bool as_json) : as_json_(as_json) {}

    bool as_json() const { return as_json_; }
    double seconds() const { return seconds_since(begin_); }
    /* "[   1.20 s] text"; with --json part of "steps". */
    void say(const std::string &text);
    /* A line of the answer itself, without the time; nothing with --json. */
    void print(const std::string &text);
    /* Part of the JSON object. */
    nlohmann::json &operator[](const char *key) { return out_[key]; }

    /* Prints the rest; the exit status of the verb. */
    int finish(const Status &status);

  private:
    bool as_json_;
    Clock::time_point begin_ = Clock::now();
    nlohmann::json out_ = nlohmann::json::object();
};

} // namespace ftctl

#endif
