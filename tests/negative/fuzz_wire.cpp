/*
 * Goal: whatever bytes a peer sends, the decoders answer; what they accept is
 * exactly what we would have written. So with the frames of the guest that the
 * announcement looks into, and what one node tells the other of them. Method: one entry for header, hello, log
 * and whole streams. Sums are put right first, because a mutated message with a
 * wrong sum would test nothing but the sum. A log that is accepted is got, event
 * by event, and written again: the bytes must be the same.
 *
 * Built with libFuzzer, which calls the entry; fuzz_seeds.cpp writes what it begins with.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <cstdint>
#include <span>

#include "accel/ft/assert.hpp"
#include "accel/ft/bytes.hpp"
#include "accel/ft/hash.hpp"
#include "accel/ft/wire.hpp"
#include "hw/ft-replay/frame.hpp"
#include "hw/ft-replay/stream.hpp"
#include "tests/negative/fuzz_wire.hpp"
#include "tests/unit/sample.hpp"
#include "tests/unit/seen_frames.hpp"

using namespace ft;
using sample::Bytes;

namespace {

void fuzz_disk_zeros(std::span<const uint8_t> in) {
    constexpr uint64_t bytes = (uint64_t{1} << 40) + 1;
    uint8_t again[FT_DISK_ZEROS_BYTES];
    FtError err;
    uint64_t n;

    if (ftc_disk_zeros_decode(in.data(), in.size(), &n, &err)) {
        ftc_disk_zeros_encode(n, again);
        FT_ASSERT(!memcmp(again, in.data(), in.size()), "not what we would have sent");
        FT_ASSERT(!ftc_disk_zeros_check(bytes, n, n, &err) ||
                      2 * n * FT_DISK_CHUNK_BYTES <= bytes + FT_DISK_CHUNK_BYTES,
                  "a run behind the end of the drive was accepted");
        fuzz_accepted = true;
    }
}

void fuzz_bodies(std::span<const uint8_t> in) {
    FtError err;
    FtHello hello;
    FtAck ack;
    FtPing ping;

    if (ftc_wire_decode_hello(in.data(), in.size(), &hello, &err)) {
        Bytes again(in.size());
        FT_ASSERT(ftc_wire_encode_hello(&hello, again.data(), again.size()) == in.size() &&
                      !memcmp(again.data(), in.data(), in.size()),
                  "an accepted hello is not what we would have sent");
        ftc_fingerprint_compare("machine=q35\n", 12, hello.fingerprint,
                                hello.fingerprint_len, &err);
        fuzz_accepted = true;
    }
    ftc_wire_decode_ack(in.data(), in.size(), &ack, &err);
    ftc_wire_decode_ping(in.data(), in.size(), &ping, &err);
    fuzz_disk_zeros(in);
}

/* Moves one event from the reader to the writer. */
void copy_event(FtLogReader *r, FtLogWriter *w) {
    uint8_t event;
    uint64_t value = 0;
    const uint8_t *data;
    size_t len;

    FT_ASSERT(ftc_log_get_event(r, &event), "an accepted event cannot be got");
    ftc_log_put_event(w, event);
    const log::FieldSpec *f = log::event_spec(event).fields;
    while (f->encoding != log::Encoding::End) {
        if (f->encoding == log::Encoding::Bytes) {
            FT_ASSERT(ftc_log_get_bytes(r, &data, &len), "accepted bytes cannot be got");
            ftc_log_put_bytes(w, data, len);
        } else {
            FT_ASSERT(ftc_log_get_int(r, &value), "an accepted integer cannot be got");
            ftc_log_put_int(w, value);
        }
        f = f->encoding == log::Encoding::Variant ? log::variant_fields(value) : f + 1;
    }
}

uint64_t count_frames(std::span<const uint8_t> body) {
    uint64_t n = 0;
    while (!body.empty() && log::cut_frame(body)) {
        n++;
    }
    return n;
}

void fuzz_log(std::span<const uint8_t> body) {
    sample::Reader r = sample::new_reader(1 << 17);
    sample::Writer w = sample::new_writer(1 << 18);
    uint64_t last = count_frames(body);
    FtError err;

    if (ftc_log_feed(r.get(), body.data(), body.size(), 1, last, &err) != 1) {
        FT_ASSERT(!ftc_log_available(r.get()) && ftc_log_received_seq(r.get()) == 0,
                  "a refused body left something behind");
        return;
    }
    while (ftc_log_available(r.get())) {
        uint64_t before = ftc_log_consumed_seq(r.get());
        copy_event(r.get(), w.get());
        if (ftc_log_consumed_seq(r.get()) != before) {
            FT_ASSERT(ftc_log_commit(w.get()), "an accepted frame cannot be written");
        }
    }
    FT_ASSERT(ftc_log_consumed_seq(r.get()) == last,
              "not every accepted frame was consumed");
    sample::Taken again = sample::take(w.get(), 1 << 18);
    FT_ASSERT(again.body.size() == body.size() &&
                  !memcmp(again.body.data(), body.data(), body.size()),
              "an accepted log is not what we would have written");
    fuzz_accepted = true;
}

struct Nobody : log::StreamVisitor {
    void message(uint64_t, const FtMsgHeader &, const char *) override {}
    void event(const log::EventRecord &) override { fuzz_accepted = true; }
};

void fuzz_stream(Bytes in, bool right_sums) {
    Nobody nobody;
    log::StreamDecoder decoder(nobody);
    std::span<uint8_t> rest(in);

    while (rest.size() >= FT_WIRE_HEADER_BYTES) {
        uint8_t *h = rest.data();
        size_t room = rest.size() - FT_WIRE_HEADER_BYTES;
        if (right_sums) {
            size_t len = std::min<size_t>(load<uint32_t>(h + wire::at::body_len), room);
            store(h + wire::at::body_sum, hash64(h + FT_WIRE_HEADER_BYTES, len));
            store(h + wire::at::header_sum, hash64(h, wire::at::header_sum));
        }
        auto header = decoder.header(rest.first(FT_WIRE_HEADER_BYTES));
        if (!header) {
            return;
        }
        rest = rest.subspan(FT_WIRE_HEADER_BYTES);
        if (rest.size() < header->body_len) {
            break;
        }
        if (!decoder.body(rest.first(header->body_len))) {
            return;
        }
        rest = rest.subspan(header->body_len);
    }
    static_cast<void>(decoder.end(rest.size()));
}

/* What was seen survives the way to another node. */
void fuzz_seen_again(FtSeen *seen, const FtSeenLimits &limits) {
    FtSeen *there = ftc_seen_new(&limits);
    size_t len, again_len;
    FtError err;
    const uint8_t *data = ftc_seen_save(seen, 0, &len);

    FT_ASSERT(ftc_seen_load(there, data, len, 0, &err), "saved, and not loaded: %s",
              err.text);
    const uint8_t *again = ftc_seen_save(there, 0, &again_len);
    FT_ASSERT(again_len == len && !memcmp(again, data, len), "loaded, and saved otherwise");
    ftc_seen_free(there);
}

constexpr FtSeenLimits fuzz_seen_limits{
    .sources_max = 4, .reports_max = 4, .report_bytes_max = 4096, .age_ns_max = 1};

void fuzz_frame(std::span<const uint8_t> in) {
    constexpr size_t virtio_header = 10;
    FtSeen *seen = ftc_seen_new(&fuzz_seen_limits);
    FtSeenStats stats;

    ftc_seen_set_header(seen, virtio_header);
    ftc_seen_from_guest(seen, in.data(), in.size(), 0);
    ftc_seen_from_outside(seen, in.data(), in.size(), 0);
    fuzz_seen_again(seen, fuzz_seen_limits);
    ftc_seen_stats(seen, &stats);
    fuzz_accepted = stats.reports > 0;
    ftc_seen_free(seen);
}

void fuzz_seen(std::span<const uint8_t> in) {
    FtSeen *seen = ftc_seen_new(&fuzz_seen_limits);
    FtError err;

    if (ftc_seen_load(seen, in.data(), in.size(), 0, &err)) {
        fuzz_seen_again(seen, fuzz_seen_limits);
        fuzz_accepted = true;
    }
    ftc_seen_free(seen);
}

std::vector<Bytes> seen_seeds() {
    using namespace frames;
    Bytes header(10, 0), tags = join({tag(0x88a8, 7), tag(0x8100, 8)});
    return {
        join({header, ethernet(mac(1), tags, type4, igmp(0x16, group4(1)))}),
        join({header,
              ethernet(mac(1), {}, type4,
                       report3({record(4, group4(1)), record(5, group4(2), {1, 2})}))}),
        join({header, ethernet(mac(1), {}, type6, mld(131, group6(1)))}),
        join({header, ethernet(mac(1), {}, type6,
                               mld2({record(2, group6(1)), record(5, group6(2), {1})}))}),
        join({header, ethernet(mac(1), {}, type6, ipv6(103, {0x20, 0, 0, 0}))}),
    };
}

/* What one node has seen of all these. */
Bytes seen_saved() {
    FtSeen *seen = ftc_seen_new(&fuzz_seen_limits);
    size_t len;

    ftc_seen_set_header(seen, 10);
    for (const Bytes &packet : seen_seeds()) {
        ftc_seen_from_guest(seen, packet.data(), packet.size(), 0);
    }
    const uint8_t *data = ftc_seen_save(seen, 0, &len);
    Bytes saved(data, data + len);
    ftc_seen_free(seen);
    return saved;
}

} // namespace

bool fuzz_accepted;

/* The first byte chooses what the others are. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_accepted = false;
    if (size == 0 || size > fuzz_input_max) {
        return 0;
    }
    std::span<const uint8_t> in(data + 1, size - 1);
    switch (data[0] % fuzz_kinds) {
    case fuzz_kind_bodies:
        fuzz_bodies(in);
        break;
    case fuzz_kind_log:
        fuzz_log(in);
        break;
    case fuzz_kind_frame:
        fuzz_frame(in);
        break;
    case fuzz_kind_seen:
        fuzz_seen(in);
        break;
    default:
        fuzz_stream({in.begin(), in.end()}, data[0] % fuzz_kinds == fuzz_kind_stream);
    }
    return 0;
}

std::vector<Bytes> fuzz_seeds() {
    std::vector<Bytes> seeds;
    auto add = [&](uint8_t kind, const Bytes &bytes) {
        seeds.push_back({kind});
        seeds.back().insert(seeds.back().end(), bytes.begin(), bytes.end());
    };
    add(fuzz_kind_bodies, sample::hello_body());
    add(fuzz_kind_log, sample::body_of(sample::log()));
    for (const sample::Frame &frame : sample::log()) {
        add(fuzz_kind_log, sample::body_of({frame}));
    }
    add(fuzz_kind_stream, sample::stream());
    add(fuzz_kind_stream_as_is, sample::stream());
    for (const Bytes &packet : seen_seeds()) {
        add(fuzz_kind_frame, packet);
    }
    add(fuzz_kind_seen, seen_saved());
    return seeds;
}
