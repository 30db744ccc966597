/*
 * The three ways in which ft-dump shows a stream: a line per event, a JSON
 * object per line, and a table of counts. All print to standard output.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_FT_DUMP_PRINT_HPP
#define HW_FT_REPLAY_FT_DUMP_PRINT_HPP

#include <cstdint>
#include <map>
#include <string>

#include "hw/ft-replay/stream.hpp"

namespace ft::log {

class Lines : public StreamVisitor {
  public:
    void message(uint64_t number, const FtMsgHeader &header, const char *name) override;
    void event(const EventRecord &record) override;
};

class JsonLines : public StreamVisitor {
  public:
    void message(uint64_t number, const FtMsgHeader &header, const char *name) override;
    void event(const EventRecord &record) override;
};

class Summary : public StreamVisitor {
  public:
    void message(uint64_t number, const FtMsgHeader &header, const char *name) override;
    void event(const EventRecord &record) override;
    void print(const StreamDecoder &decoder) const;
    void print_json(const StreamDecoder &decoder) const;

  private:
    struct Row {
        uint64_t count = 0, bytes = 0;
    };
    std::map<std::string, Row> rows_;
    uint64_t messages_ = 0, bytes_ = 0;
};

} // namespace ft::log

#endif
