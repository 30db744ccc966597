/*
 * ft-dump: prints a captured log channel, or says in one sentence where and why
 * it cannot be decoded. Reads message by message, so a capture of any size and
 * a pipe will do.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "accel/ft/ft.h"
#include "hw/ft-replay/ft_dump_print.hpp"
#include "hw/ft-replay/stream.hpp"

using namespace ft;
using namespace ft::log;

namespace {

const char usage[] =
    "usage: ft-dump FILE [--json] [--summary]\n"
    "\n"
    "Decodes a captured log channel: the bytes a primary sent, from its HELLO on.\n"
    "FILE may be - for standard input.\n"
    "\n"
    "  (default)   one line per event: frame, instruction count, event, fields;\n"
    "              other messages as lines that start with #\n"
    "  --json      the same, one JSON object per line\n"
    "  --summary   count and bytes of each event (with --json: one JSON object)\n"
    "  --help      this text\n"
    "\n"
    "Exits 0 if the end was reached, 1 if the stream cannot be decoded to its end\n"
    "(the sentence on standard error names message, frame, event and field), 2 for\n"
    "a wrong command line or an unreadable file.\n";

/* Reads to the end of the file or to the first thing that is wrong in it. */
Status decode(FILE *file, StreamDecoder &decoder) {
    std::vector<uint8_t> buffer(FT_WIRE_HEADER_BYTES);

    for (;;) {
        buffer.resize(FT_WIRE_HEADER_BYTES);
        size_t got = fread(buffer.data(), 1, buffer.size(), file);
        if (got < buffer.size()) {
            return decoder.end(got);
        }
        auto header = decoder.header(buffer);
        if (!header) {
            return std::unexpected(header.error());
        }
        buffer.resize(header->body_len);
        got = fread(buffer.data(), 1, buffer.size(), file);
        if (got < buffer.size()) {
            return decoder.end(got);
        }
        if (Status s = decoder.body(buffer); !s) {
            return s;
        }
    }
}

struct Options {
    const char *path = nullptr;
    bool json = false, summary = false, help = false;
};

bool parse(int argc, char **argv, Options &o) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json")) {
            o.json = true;
        } else if (!strcmp(argv[i], "--summary")) {
            o.summary = true;
        } else if (!strcmp(argv[i], "--help")) {
            o.help = true;
        } else if ((argv[i][0] != '-' || !argv[i][1]) && !o.path) {
            o.path = argv[i];
        } else {
            fprintf(stderr, "ft-dump: what is '%s'?\n%s", argv[i], usage);
            return false;
        }
    }
    if (!o.path && !o.help) {
        fprintf(stderr, "ft-dump: no FILE\n%s", usage);
        return false;
    }
    return true;
}

int run(FILE *file, const Options &o) {
    Lines lines;
    JsonLines json_lines;
    Summary summary;
    StreamVisitor &visitor = o.summary ? static_cast<StreamVisitor &>(summary)
                             : o.json  ? static_cast<StreamVisitor &>(json_lines)
                                       : static_cast<StreamVisitor &>(lines);
    StreamDecoder decoder(visitor);
    Status done = decode(file, decoder);

    if (ferror(file)) {
        perror(o.path);
        return 2;
    }
    /* What came before the fault is worth seeing too. */
    if (o.summary) {
        o.json ? summary.print_json(decoder) : summary.print(decoder);
    }
    if (!done) {
        fflush(stdout);
        fprintf(stderr, "ft-dump: %s: %s\n", o.path, done.error().text.c_str());
        return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    Options o;

    if (!parse(argc, argv, o)) {
        return 2;
    }
    if (o.help) {
        fputs(usage, stdout);
        return 0;
    }
    FILE *file = strcmp(o.path, "-") ? fopen(o.path, "rb") : stdin;
    if (!file) {
        fprintf(stderr, "ft-dump: %s: %s\n", o.path, strerror(errno));
        return 2;
    }
    int status = run(file, o);
    fclose(file);
    return status;
}
