/*
 * The session: what FT decides on one node. A function of (input, now) that
 * returns actions; it opens no socket, reads no clock and starts no thread, so
 * that QEMU's glue and the simulator host the same object.
 *
 * One thread calls it (main). What must never happen: that both nodes of a
 * pair get the right to output for one epoch. Two things prevent it. From the
 * cut on, who goes on without the other is decided by a test-and-set for the
 * epoch at the arbiter; and a secondary that won does not go live while the
 * primary may still release output under its lease.
 *
 * Each step judges (session_table), then sets the state, then lists actions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_SESSION_HPP
#define ACCEL_FT_SESSION_HPP

#include <cstdint>
#include <span>
#include <string>

#include "accel/ft/ft.h"
#include "accel/ft/session_table.hpp"

namespace ft {

class Session {
  public:
    Session(FtRole role, uint64_t epoch0, uint64_t timeout_ns);

    /* Returns the number of actions. refusal is set to a sentence, and nothing
     * else changed, when an operator's input cannot be served now. */
    size_t step(const FtInput &in, uint64_t now_ns, std::span<FtAction> actions,
                std::string &refusal);
    void set_epoch(uint64_t epoch);

    FtRole role() const { return role_; }
    FtState state() const { return session_shown_as(state_); }
    SessionState inner_state() const { return state_; }
    uint64_t epoch() const { return epoch_; }
    const std::string &reason() const { return reason_; }

  private:
    void apply(Rule rule, const FtInput &in);
    bool is_stale(const FtInput &in) const;
    void set(SessionState state, std::string reason);
    void act(FtActionKind kind, uint64_t value = 0, const char *text = nullptr);

    void claim();
    void begin_attach();
    void abandon_attach(const FtInput &in);
    void protect();
    void decide(SessionState state, const FtInput &in);
    void decide_after_goodbye(std::string cause);
    void go_on();
    void load_on(std::string cause, uint64_t lease_until_ns);
    void take_over(std::string cause, uint64_t lease_until_ns);
    void take_over_as_asked();
    void forget_connection();
    void drain();
    void finish_drain();
    void go_live();
    void become_primary();
    void fail(std::string reason, bool say_goodbye);
    void fence(std::string reason);
    void ask_again_later(const FtInput &in);

    FtRole role_;
    SessionState state_;
    uint64_t epoch_; /* of the attach under way, or the last one   */
    const uint64_t timeout_ns_;
    std::string reason_;          /* why not protected; empty when protected    */
    std::string cause_;           /* what started the decision under way        */
    std::string goodbye_;         /* text of the last CLOSE, kept for the host  */
    uint64_t lease_until_ns_ = 0; /* the old primary may release until then    */
    uint64_t retry_ns_ = 0;       /* pause before the arbiter is asked again    */
    bool claim_in_flight_ = false;

    /* Of the step under way. */
    uint64_t now_ns_ = 0;
    std::span<FtAction> actions_;
    size_t actions_len_ = 0;
};

} // namespace ft

#endif
