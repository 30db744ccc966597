/*
 * One simulated node: the real session, lease, hold, log writer and log reader
 * around a fake guest. It stands in for QEMU's glue, so what it has to be
 * careful about, the glue has to be careful about too; such places say so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_SIM_NODE_HPP
#define TESTS_SIM_NODE_HPP

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "accel/ft/ft.h"
#include "accel/ft/output_gate.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/scheduler.hpp"

namespace ft::sim {

class World;

template <auto Free>
struct FreeWith {
    void operator()(auto *p) const { Free(p); }
};
using SessionPtr = std::unique_ptr<FtSession, FreeWith<ftc_session_free>>;
using LeasePtr = std::unique_ptr<FtLease, FreeWith<ftc_lease_free>>;
using HoldPtr = std::unique_ptr<FtHold, FreeWith<ftc_hold_free>>;
using WriterPtr = std::unique_ptr<FtLogWriter, FreeWith<ftc_log_writer_free>>;
using WatchdogPtr = std::unique_ptr<FtWatchdog, FreeWith<ftc_watchdog_free>>;
using ReaderPtr = std::unique_ptr<FtLogReader, FreeWith<ftc_log_reader_free>>;

class Node {
  public:
    enum class Vm { None, Running, Paused, Replaying, Stopped };

    Node(World &world, unsigned id, FtRole role, uint64_t epoch0, Random random);

    /* ---- what the world does to it ---- */
    void start();
    void receive(uint64_t link, Channel channel, Message m);
    void kill(bool host_too);
    void stop();
    void go_on();
    /* One thread stands still, the others go on. */
    void hang(FtPart part);
    void end_hang(FtPart part);
    bool ask(FtInputKind operators_input); /* false: refused */
    void quit();
    void note_continued();
    void diverge();
    void slow_down(uint64_t factor) { slowness_ = factor; }

    /* ---- what the world may look at ---- */
    unsigned id() const { return id_; }
    bool alive() const { return alive_; }
    bool stopped() const { return stopped_; }
    bool hangs(FtPart part) const { return hung_since_ns_[part] != 0; }
    /* Would an operator get an answer from this node now? */
    bool answers() const { return alive_ && !stopped_ && !hangs(FT_PART_MAIN_LOOP); }
    bool crashed() const { return crashed_; }
    bool is_tainted() const { return tainted_; }
    FtRole role() const { return ftc_session_role(session_.get()); }
    FtState state() const { return ftc_session_state(session_.get()); }
    uint64_t epoch() const { return ftc_session_epoch(session_.get()); }
    std::string reason() const { return ftc_session_reason(session_.get()); }
    bool has_right_to_output() const;
    uint64_t link() const { return link_; }
    uint64_t received_seq() const {
        return reader_ ? ftc_log_received_seq(reader_.get()) : 0;
    }
    unsigned peer() const { return peer_; }
    uint64_t digest() const;

  private:
    using Work = Scheduler::Work;
    /* The thread that does the work; messages are handled by the receiver's. */
    enum class By { MainLoop, Message, Vcpu, Others };

    /* ---- common (node.cpp) ---- */
    uint64_t now() const;
    void later(uint64_t delay_ns, Work work, By who = By::MainLoop);
    void run_or_defer(Work work, By who);
    bool input(FtInputKind kind, uint64_t value = 0, const std::string &text = "");
    void perform(const FtAction &a);
    void claim(uint64_t epoch);
    void set_timer(uint64_t due_ns);
    void close_connections(const char *goodbye);
    void channel_ended(Channel channel, bool orderly, const std::string &why);
    void report_loss();
    void tick();
    void tell(FtMsgType type, Channel channel = Channel::Log, Message m = {});
    void on_log_message(Message &m);
    void on_heartbeat(const Message &m);
    void forget_link();
    void note_goodbye();

    /* ---- as primary (node_primary.cpp) ---- */
    void connect();
    void transfer();
    void send_state(unsigned pieces_left);
    void cut();
    void end_cut();
    void schedule_turn();
    void turn();
    void note_output(Output o);
    void pump();
    void on_ack(uint64_t received);
    const FtLease *lease() const { return link_ ? lease_.get() : nullptr; }
    std::optional<uint64_t> may_leave() const;
    void release();
    void let_go(const FtPacket &p);
    void emit(Output o);
    void pause_vm();
    void report_paused();
    void go_free();

    /* ---- as secondary (node_secondary.cpp) ---- */
    void accept(uint64_t link, const Message &hello);
    void load(const Message &devices);
    void feed(Message m);
    void send_ack();
    void schedule_replay();
    void replay();
    bool replay_frame();
    bool replay_event(uint8_t event);
    void end_frame();
    void diverged(const std::string &how);
    void begin_drain();
    void go_live();
    void note_failover();
    void note_loss_while_loading();
    void check_keeps_guest() const;

    /* ---- what stands still (node_watchdog.cpp) ---- */
    void look_around();
    bool may_rest(FtPart part) const;
    uint64_t still_ns() const;
    bool gives_way(uint64_t still_ns, uint64_t other_well_ns) const;
    uint64_t peer_well_ns() const;
    void told_of_peer(uint64_t still_ns);
    bool holds_its_beat();
    void watch_peer();
    void check_peer_is_not_mute() const;

    /* ---- the witness (node_witness.cpp) ---- */
    struct Witness {
        bool served = false;                    /* the secondary has answered */
        FtWitnessWord last = FT_WITNESS_SILENT; /* secondary: what it has heard */
        std::deque<Message> unread;             /* secondary: before it was served */
    };
    void offer_witness();
    void say_alive();
    void say_to_witness(FtWitnessWord word);
    void close_witness();
    void serve_witness_in_time();
    void hear_witness();
    void witness_ended();
    void on_witness(Message m);

    World &world_;
    const unsigned id_;
    Random random_;
    const uint64_t clock_offset_ns_, clock_fast_ppm_;
    SessionPtr session_;
    LeasePtr lease_;
    HoldPtr hold_;

    bool alive_ = true, stopped_ = false, crashed_ = false;
    std::deque<std::pair<By, Work>> deferred_messages_, deferred_self_;

    /* Threads that stand still, and what waits for them. */
    WatchdogPtr watchdog_;
    std::array<uint64_t, FT_PART__COUNT> hung_since_ns_{}; /* true time, 0: it moves */
    std::array<std::deque<std::pair<By, Work>>, FT_PART__COUNT> deferred_hung_;
    uint64_t disturbed_ns_ = 0, peer_still_ns_ = 0, peer_unwell_ns_ = 0;
    bool silence_told_ = false, stuck_told_ = false;

    /* The guest. */
    std::unique_ptr<Guest> guest_;
    Vm vm_ = Vm::None;
    bool turn_due_ = false;

    /* The connections. link_ is 0 when closed on this side. */
    uint64_t link_ = 0;
    unsigned peer_ = 0;
    bool ended_[2] = {}, loss_due_ = false;
    bool peer_closed_both_ = false;
    std::string loss_text_;
    uint64_t heard_ns_ = 0, pong_sent_ns_ = 0, ping_heard_ns_ = 0, beat_heard_ns_ = 0;
    uint64_t timer_generation_ = 0;
    Witness witness_;

    /* As primary. */
    OutputGate gate_;
    WriterPtr writer_;
    uint64_t acked_seq_ = 0, last_frame_ = 0;
    std::shared_ptr<std::vector<uint64_t>> frame_digests_; /* by frame - 1 */
    std::set<uint64_t> dropped_;                           /* outputs a full hold refused */
    bool in_cut_ = false, pausing_ = false, ran_before_cut_ = false;
    bool pump_due_ = false, overflow_told_ = false;

    /* As secondary. */
    ReaderPtr reader_;
    std::deque<Message> unread_; /* LOG that the ring had no room for */
    std::shared_ptr<const std::vector<uint64_t>> source_digests_;
    uint64_t frames_done_ = 0, slowness_ = 1;
    bool replay_due_ = false, draining_ = false, tainted_ = false;
    bool asked_to_take_over_ = false, took_over_ = false, pair_ended_ = false;
    bool has_whole_state_ = false;         /* DEVICES came, the state's last message */
    bool loads_alone_ = false;             /* and then the primary was lost */
    FtInputKind loss_kind_ = FT_IN__COUNT; /* how the primary was lost */
};

} // namespace ft::sim

#endif
