/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.hpp"

#include <cmath>
#include <cstdio>

namespace ftctl {

void Report::say(const std::string &text) {
    if (as_json_) {
        out_["steps"].push_back({{"seconds", std::round(seconds() * 1000) / 1000}, {"text", text}});
        return;
    }
    printf("[%7.2f s] %s\n", seconds(), text.c_str());
    fflush(stdout);
}

void Report::print(const std::string &text) {
    if (!as_json_) {
        printf("%s\n", text.c_str());
        fflush(stdout);
    }
}

int Report::finish(const Status &status) {
    if (as_json_) {
        out_["ok"] = status.has_value();
        if (!status) {
            out_["error"] = status.error().text;
        }
        /* A reason may hold anything; bytes that are no UTF-8 are replaced. */
        printf("%s\n", out_.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
    if (!status) {
        fprintf(stderr, "ftctl: %s\n", status.error().text.c_str());
    }
    fflush(stdout);
    return status ? 0 : 1;
}

} // namespace ftctl
