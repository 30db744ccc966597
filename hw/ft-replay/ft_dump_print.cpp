/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/ft_dump_print.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <span>

namespace ft::log {

namespace {

std::string hex(std::span<const uint8_t> bytes, size_t max) {
    std::string text;
    char two[3];
    for (uint8_t b : bytes.first(std::min(max, bytes.size()))) {
        snprintf(two, sizeof(two), "%02x", b);
        text += two;
    }
    return text;
}

std::string event_name(const EventSpec &spec) {
    std::string name = spec.name;
    return spec.span > 1 ? name + ":" + std::to_string(spec.subtype) : name;
}

/* Values that may be negative print as such, a hash as what it is. */
std::string number(const FieldValue &f) {
    char text[32];
    switch (f.spec->encoding) {
    case Encoding::Zigzag:
    case Encoding::Delta:
        return std::to_string(int64_t(f.value));
    case Encoding::Fixed:
        snprintf(text, sizeof(text), "0x%016" PRIx64, f.value);
        return text;
    default:
        return std::to_string(f.value);
    }
}

} // namespace

void Lines::message(uint64_t n, const FtMsgHeader &h, const char *name) {
    if (h.type != FT_MSG_LOG) {
        printf("# message %" PRIu64 " %s epoch=%" PRIu64 " session=0x%016" PRIx64
               " body=%" PRIu32 "\n",
               n, name, h.epoch, h.session, h.body_len);
    }
}

void Lines::event(const EventRecord &r) {
    printf("%" PRIu64 " %" PRIu64 " %s", r.seq, r.icount, event_name(*r.spec).c_str());
    for (const FieldValue &f : r.fields) {
        if (f.spec->encoding == Encoding::Bytes) {
            printf(" %s=%zu:%s%s", f.spec->name, f.bytes.size(), hex(f.bytes, 16).c_str(),
                   f.bytes.size() > 16 ? "..." : "");
        } else {
            printf(" %s=%s", f.spec->name, number(f).c_str());
        }
    }
    putchar('\n');
}

void JsonLines::message(uint64_t n, const FtMsgHeader &h, const char *name) {
    if (h.type != FT_MSG_LOG) {
        printf("{\"message\": %" PRIu64 ", \"type\": \"%s\", \"epoch\": %" PRIu64
               ", \"session\": \"0x%016" PRIx64 "\", \"body_len\": %" PRIu32 "}\n",
               n, name, h.epoch, h.session, h.body_len);
    }
}

void JsonLines::event(const EventRecord &r) {
    printf("{\"seq\": %" PRIu64 ", \"icount\": %" PRIu64 ", \"event\": \"%s\"", r.seq,
           r.icount, event_name(*r.spec).c_str());
    for (const FieldValue &f : r.fields) {
        if (f.spec->encoding == Encoding::Bytes) {
            printf(", \"%s\": \"%s\"", f.spec->name, hex(f.bytes, f.bytes.size()).c_str());
        } else if (f.spec->encoding == Encoding::Fixed) {
            printf(", \"%s\": \"%s\"", f.spec->name, number(f).c_str());
        } else {
            printf(", \"%s\": %s", f.spec->name, number(f).c_str());
        }
    }
    puts("}");
}

void Summary::message(uint64_t n, const FtMsgHeader &h, const char *) {
    messages_ = n;
    bytes_ += FT_WIRE_HEADER_BYTES + h.body_len;
}

void Summary::event(const EventRecord &r) {
    Row &row = rows_[event_name(*r.spec)];
    row.count++;
    row.bytes += r.wire_bytes;
}

void Summary::print(const StreamDecoder &d) const {
    printf("%-24s %12s %14s\n", "event", "count", "bytes");
    for (const auto &[name, row] : rows_) {
        printf("%-24s %12" PRIu64 " %14" PRIu64 "\n", name.c_str(), row.count, row.bytes);
    }
    printf("%" PRIu64 " messages, %" PRIu64 " bytes, %" PRIu64 " frames, %" PRIu64
           " instructions\n",
           messages_, bytes_, d.frames(), d.icount());
}

void Summary::print_json(const StreamDecoder &d) const {
    const char *comma = "";
    printf("{\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"frames\": %" PRIu64
           ", \"instructions\": %" PRIu64 ", \"events\": {",
           messages_, bytes_, d.frames(), d.icount());
    for (const auto &[name, row] : rows_) {
        printf("%s\"%s\": {\"count\": %" PRIu64 ", \"bytes\": %" PRIu64 "}", comma,
               name.c_str(), row.count, row.bytes);
        comma = ", ";
    }
    puts("}}");
}

} // namespace ft::log
