# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark's arithmetic and judgements; selftest.py runs these too."""

import os
import time
import unittest
from collections import Counter
from types import SimpleNamespace

import bench_disk
import bench_figures
import bench_gap
import bench_half
import bench_replay
import bench_rounds
from ftpair import chrony, closed_loop, goals, guest_clock, workloads
from ftpair.distribution import cdf, median, percentile, percentile_of_bins, ratios, slope
from ftpair.guest_clock import Sample
from ftpair.host_speed import HostSpeed, one_cycle, steps_per_second
from ftpair.incidents import Incident
from ftpair.observer import Observation
from ftpair.pair import Failed
from ftpair.process_cpu import threads_between
from ftpair.ticks import Ticks
from ftpair.workloads import Result

S = 10**9


class Distribution(unittest.TestCase):
    def test_median_and_percentile(self):
        self.assertEqual((median([3, None, 1, 2]), median([]), percentile(range(100), 0.99), percentile([], 0.5)), (2, None, 99, None))

    def test_percentile_of_bins(self):
        bins = {1: 98, 50: 1, 70: 1}
        self.assertEqual([percentile_of_bins(bins, s) for s in (0.5, 0.979, 0.985, 0.99)], [1, 1, 50, 70])
        self.assertIsNone(percentile_of_bins({}, 0.5))

    def test_ratios_are_of_one_round(self):
        self.assertEqual(ratios({1: 2, 2: 9, 3: None}, {1: 4, 3: 5, 4: 1}), [0.5])

    def test_a_yardstick_of_zero_gives_no_ratio(self):
        self.assertEqual(ratios({1: 2}, {1: 0}), [])

    def test_cdf_has_both_ends(self):
        points = cdf(list(range(1000)))
        self.assertEqual((points[0], points[-1]), ((0, 0.0), (999, 1.0)))

    def test_slope(self):
        self.assertAlmostEqual(slope([(0, 1), (1, 3), (2, 5)]), 2)
        self.assertIsNone(slope([(1, 1), (1, 2)]))


class TheHostsSpeed(unittest.TestCase):
    def test_of_the_fastest_sample(self):
        speed = HostSpeed()
        self.assertEqual(speed.figures(), {})
        speed.samples = [50, *[80] * 17, 100, 100]
        self.assertEqual(speed.figures(), {"host_speed_p10": 0.8, "host_speed_p50": 0.8})
        speed.samples[1:3] = [40, 40]
        self.assertEqual(speed.figures()["host_speed_p10"], 0.5)

    def test_each_cpu_is_sampled_and_left_again(self):
        cpus, speed = os.sched_getaffinity(0), HostSpeed()
        speed.sample()
        self.assertEqual((len(speed.samples), os.sched_getaffinity(0)), (len(cpus), cpus))
        self.assertGreater(min(speed.samples), 0)

    def test_the_walk_visits_every_place(self):
        walk, at, seen = one_cycle(100), 0, set()
        while at not in seen:
            seen.add(at)
            at = walk[at]
        self.assertEqual(len(seen), 100)

    def test_the_time_is_the_cpu_time(self):
        begin = time.thread_time()
        steps_per_second(one_cycle(10), 0.01)
        self.assertGreaterEqual(time.thread_time() - begin, 0.01)

    def test_a_host_that_is_not_steady_is_told(self):
        told = lambda slow: list(goals.host_speed({"host_speed_p10": slow, "host_speed_p50": 0.8}))[0]
        self.assertIn("not steady", told(0.6))
        self.assertNotIn("not steady", told(0.75))
        self.assertEqual(list(goals.host_speed({})), [])


class UnitsOfWork(unittest.TestCase):
    def test_the_first_one_is_warming_up(self):
        ticks = Ticks()
        for now in (10.0, 10.5, 11.0, 11.5):
            ticks.take("same", now)
        self.assertEqual(ticks.rate, 2.0)

    def test_two_are_not_enough(self):
        ticks = Ticks()
        ticks.take("same", 0)
        ticks.take("same", 100)
        self.assertFalse(ticks.enough(1))
        ticks.take("same", 101)
        self.assertTrue(ticks.enough(1))


def clock(*points, rtt=1000):
    return [Sample(int(host * S), 0, int(guest * S), rtt) for host, guest in points]


class GuestClock(unittest.TestCase):
    def test_drift(self):
        drift, bound = guest_clock.drift_ppm(clock((0, 5), (10, 15.001)), burst=1)
        self.assertAlmostEqual(drift, 100, places=3)
        self.assertAlmostEqual(bound, 1000 / 10 / S * 1e6)

    def test_the_shortest_round_trip_counts(self):
        late = [Sample(0, 0, 40 * 10**6, 80 * 10**6)]
        drift, _ = guest_clock.drift_ppm(late + clock((0, 0), (10, 10)) + late, burst=2)
        self.assertAlmostEqual(drift, 0)

    def test_fit(self):
        self.assertAlmostEqual(guest_clock.fitted_ppm(clock((0, 0), (1, 1.002), (2, 2.004))), 2000, places=3)

    def test_steps_back(self):
        self.assertEqual(guest_clock.steps_back(clock((0, 1), (1, 2), (2, 1.9), (3, 3))), 1)

    def test_a_late_answer_is_no_wander(self):
        late = [Sample(2 * S, 0, int(2.3 * S), int(0.8 * S))]
        self.assertEqual(guest_clock.wander_ms(clock((0, 0), (1, 1)) + late), 0)
        self.assertEqual(len(guest_clock.good(clock((0, 0), (1, 1)) + late)), 2)

    def test_wander(self):
        self.assertAlmostEqual(guest_clock.wander_ms(clock((0, 0), (1, 0.98), (2, 2), rtt=0)), 20, places=6)


class Replay(unittest.TestCase):
    def test_catches_up(self):
        speed, slowed, caught, curve = bench_replay.judge([(0, 1000, 0, 7), (2, 1500, 1500, 7)], 5)
        self.assertEqual((speed, slowed, caught, curve), (3.0, 3.0, 2, [(0, 5.0), (2, 0.0)]))

    def test_a_primary_that_waits_does_not_make_its_secondary_faster(self):
        speed, slowed, _, _ = bench_replay.judge([(0, 1000, 0, 7), (2, 1500, 1000, 8)], 5)
        self.assertEqual((speed, slowed), (1.0, 2.0))

    def test_falls_further_behind(self):
        speed, _, caught, _ = bench_replay.judge([(0, 1000, 0, 0), (2, 2000, 800, 0)], 5)
        self.assertEqual((speed, caught), (0.8, None))

    def test_a_primary_that_stands_still_is_no_yardstick(self):
        with self.assertRaises(Failed):
            bench_replay.judge([(0, 1000, 0, 0), (2, 1000, 1000, 0)], 5)


class HalfACore(unittest.TestCase):
    def test_what_settles_does_not_count(self):
        curve = bench_half.Curve([("whole", 0, 10), ("half", 10, 20), ("again", 20, 30)],
                                 lag=[(1, 5), (11, 900), (13, 40), (15, 60), (21, 800)],
                                 units=[*(t / 2 for t in range(20)), *range(10, 20), *(20 + t / 2 for t in range(20))])
        figures = bench_half.of_curve("cpu", curve)
        self.assertEqual((figures["half_lag_ms_max.cpu"], figures["half_rate_half.cpu"], figures["half_rate_again.cpu"]), (60, 0.5, 1))

    def test_a_phase_without_units_has_no_rate(self):
        curve = bench_half.Curve([("whole", 0, 10), ("half", 10, 20), ("again", 20, 30)])
        self.assertIsNone(bench_half.of_curve("cpu", curve)["half_rate_half.cpu"])


class Talk(unittest.TestCase):
    def test_redis_counts_up(self):
        talk = closed_loop.RedisTalk(0, {})
        self.assertIsNone(talk.judge(b":1"))
        self.assertEqual(talk.judge(b":1\r\n"), "")
        self.assertTrue(talk.judge(b":1\r\n"))          # lost
        self.assertTrue(talk.judge(b":5\r\n"))          # doubled

    def test_http_page_must_be_whole_and_the_same(self):
        shared = {}
        page = b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody"
        judge = lambda data: closed_loop.HttpTalk(0, shared).ended(data)
        self.assertEqual(judge(page), "")
        for wrong in (page[:-1], page[:-1] + b"X", b"HTTP/1.0 500 no\r\n\r\nbody", b""):
            self.assertTrue(judge(wrong), wrong)


class Figures(unittest.TestCase):
    def rounds(self, **rates):
        rounds = bench_rounds.Rounds()
        for machine, rate in rates.items():
            rounds.put(machine, workloads.ALL[0], 1, Result(rate, lines={"sum"}))
        return rounds

    def test_ratio_and_bound(self):
        figures, _ = bench_figures.of_rounds(self.rounds(plain=10, protected=6, bound=8))
        self.assertEqual((figures["ratio.cpu"], figures["bound.cpu"], figures["ratio_bound.cpu"]), (0.6, 0.8, 0.75))

    def test_a_pair_beside_is_set_against_the_other(self):
        rounds = self.rounds(plain=10, protected=6)
        self.assertFalse(list(goals.beside_table(bench_figures.of_rounds(rounds)[0])))
        rounds.beside = self.rounds(protected=3)
        for of, log_bytes in ((rounds, 250000), (rounds.beside, 125000)):
            of.observed["cpu"] = {1: Observation(1.0, log_bytes=log_bytes, threads={"primary": {}, "secondary": {}},
                                                 hold_ms={"p50": 1, "p99": 2, "max": 3})}
        figures, _ = bench_figures.of_rounds(rounds)
        self.assertEqual((figures["ratio.cpu"], figures["ratio_beside.cpu"], figures["rate_beside.cpu"]), (0.6, 0.5, 3))
        self.assertEqual((figures["log_mbit.cpu"], figures["log_mbit_beside.cpu"]), (2, 1))
        self.assertTrue(any(line.startswith("| cpu | 6 | 3 | 0.500 | 2 | 1 |") for line in goals.beside_table(figures)))

    def test_lag_is_that_of_the_worst_workload(self):
        rounds = bench_rounds.Rounds()
        for workload, lag in zip(workloads.ALL, (5, 70)):
            rounds.put("protected", workload, 1, Result(1))
            rounds.observed[workload.name] = {1: Observation(1.0, lags_ms=Counter({1: 1, lag: 1}),
                                                             threads={"primary": {"vcpu": (1, 0)}, "secondary": {}},
                                                             hold_ms={"p50": 1, "p99": 2, "max": 3})}
        figures, _ = bench_figures.of_rounds(rounds)
        self.assertEqual((figures["lag_ms_p99"], figures["lag_ms_p99.cpu"], figures["cpu_primary.cpu"]), (70, 5, 100))

    def test_log_for_each_byte(self):
        rounds, figures = bench_rounds.Rounds(), {}
        rounds.put("protected", SimpleNamespace(name="tcp_in"), 1, Result(1, bytes=1000))
        rounds.observed["tcp_in"] = {1: Observation(1.0, log_bytes=1050)}
        bench_figures.of_payload(figures, rounds)
        self.assertEqual(figures["log_per_payload_in"], 1.05)

    def test_another_result_is_a_problem(self):
        rounds = self.rounds(plain=1)
        self.assertFalse(bench_rounds.different_results(rounds, workloads.ALL))
        rounds.put("protected", workloads.ALL[0], 1, Result(1, lines={"another"}))
        self.assertTrue(bench_rounds.different_results(rounds, workloads.ALL))

    def test_threads(self):
        self.assertEqual(threads_between({"a": (1.0, 0.0), "b": (2.0, 0.0)}, {"a": (1.5, 0.25), "b": (2.0, 0.0)}), {"a": (0.5, 0.25)})

    def test_a_late_takeover_is_a_figure_and_no_failure(self):
        self.assertTrue(Incident("c", "takeover within 1000 ms: 1200 ms").text.startswith(bench_gap.LATE))
        self.assertFalse(Incident("c", "secondary is failed: diverged").text.startswith(bench_gap.LATE))


class Goals(unittest.TestCase):
    def test_directions(self):
        by_name = {g.name: g for g in goals.GOALS}
        self.assertTrue(by_name["ratio.cpu"].met(0.99) and not by_name["ratio.cpu"].met(0.97))
        self.assertTrue(by_name["lag_ms_p99"].met(19) and not by_name["lag_ms_p99"].met(21))
        self.assertFalse(by_name["clock_drift_ppm_busy"].met(-5000))

    def test_paste(self):
        text = f"head\n{goals.BEGIN}\nold\n{goals.END}\ntail"
        self.assertEqual(goals.paste(text, "new"), f"head\n{goals.BEGIN}\nnew\n{goals.END}\ntail")
        with self.assertRaises(ValueError):
            goals.paste("no marks", "new")


class Chrony(unittest.TestCase):
    LINE = "0A4D0001,10.77.0.1,2,1700000000.1,0.000001,-0.000250,0.000100,-12.5,0.001,0.4,0.0003,0.0001,1.0,{}\n"

    def test_tracking(self):
        told = chrony.parse(self.LINE.format("Normal"))
        self.assertEqual((told.offset_ms, told.frequency_ppm, told.skew_ppm, told.synchronised), (-0.25, -12.5, 0.4, True))

    def test_not_synchronised(self):
        self.assertFalse(chrony.parse(self.LINE.format("Not synchronised")).synchronised)
        with self.assertRaises(Failed):
            chrony.parse("506 Cannot talk to daemon\n")


class Drives(unittest.TestCase):
    def rounds(self):
        rounds = bench_rounds.Rounds()
        for machine, rate in (("plain", 100), ("direct", 50), ("bound plain", 80), ("local", 90), ("shared", 40)):
            rounds.put(machine, SimpleNamespace(name="db"), 1, Result(rate, waits_us=[1000 if machine == "plain" else 1300]))
        rounds.observed[("local", "db")] = {1: Observation(seconds=1.0, threads={"primary": {}, "secondary": {}}, ack_rtt_ms=0.1)}
        return rounds

    def test_each_pair_has_its_yardstick(self):
        figures, each = bench_disk.of_rounds(self.rounds(), ["db", "fio"])
        self.assertEqual((figures["ratio.db_local"], figures["ratio.db_shared"]), (0.9, 0.8))
        self.assertEqual((figures["bound.db_local"], figures["ratio_bound.db_local"]), (0.8, 1.125))
        self.assertEqual(each["ratio.db_local"], [0.9])
        self.assertNotIn("ratio.fio_local", figures)

    def test_a_commit_beside_the_round_trip(self):
        figures, _ = bench_disk.of_rounds(self.rounds(), ["db"])
        self.assertAlmostEqual(figures["commit_over_rtt_ms_p50.db_local"], 0.2)

    def test_the_table_has_a_row_for_each_pair(self):
        figures, _ = bench_disk.of_rounds(self.rounds(), ["db"])
        rows = list(goals.disk_table(figures))
        self.assertEqual(len(rows), 5)
        self.assertIn("| db, shared | 0.800 |", rows[-1])
        self.assertEqual(list(goals.disk_table({})), [])


if __name__ == "__main__":
    unittest.main()
