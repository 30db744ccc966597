# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness tests itself: each check is shown a case in which it must fail."""

import hashlib
import socket
import struct
import tempfile
import threading
import unittest
from pathlib import Path
from types import SimpleNamespace

from ftpair import failover, figures, output_rule, sampler, soaking, timeline, trace, verdict
from ftpair.capture import Frame
from ftpair.clients import DownloadClient, IncrClient
from ftpair.incidents import Incident
from ftpair.long_incr import LongIncrClient
from ftpair.secondary_line import Unusable, own_name, pairs, secondary_line, text_of
from ftpair.xxh3 import xxh3_64

MS = 1_000_000


def incr(answers):
    """The INCR client's result against a server that gives these answers."""
    ours, theirs = socket.socketpair()

    def serve():
        for answer in answers:
            theirs.recv(4096)
            theirs.sendall(answer)
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client = IncrClient(ours)
    for _ in answers:
        if not client.step():
            break
    else:
        client.step()
    thread.join()
    ours.close()
    return client.result()


def numbers(*values):
    return [b":%d\r\n" % v for v in values]


def names_of_failed(checks):
    return {c.name for c in verdict.failures(checks)}


class Incr(unittest.TestCase):
    def test_counts_up(self):
        r = incr(numbers(5, 6, 7, 8))
        self.assertEqual((r["replies"], r["lost"], r["doubled"], r["errors"]), (4, 0, 0, 0))
        self.assertIsNotNone(r["broken"])

    def test_lost(self):
        self.assertEqual(incr(numbers(5, 6, 4, 5))["lost"], 3)

    def test_same_twice_is_lost(self):
        self.assertEqual(incr(numbers(5, 6, 6))["lost"], 1)

    def test_doubled(self):
        self.assertEqual(incr(numbers(5, 7))["doubled"], 1)

    def test_two_answers_to_one_request(self):
        self.assertEqual(incr([b":5\r\n:6\r\n", b":7\r\n"])["doubled"], 2)

    def test_error_reply(self):
        r = incr([b":1\r\n", b"-LOADING\r\n"])
        self.assertEqual(r["errors"], 1)
        self.assertIn("every reply is the last plus one", names_of_failed(verdict.replies(r)))

    def test_broken_connection_is_a_failure(self):
        self.assertIn("the client's connection unbroken",
                      names_of_failed(verdict.replies(incr(numbers(1, 2)))))

    def test_no_reply_at_all_is_a_failure(self):
        self.assertTrue(names_of_failed(verdict.replies(incr([]))))


class Gap(unittest.TestCase):
    def client(self, *replied_ms):
        client = IncrClient(None)
        client.times = [(0, t * MS) for t in replied_ms]
        return client.result()

    def test_longest(self):
        self.assertEqual(verdict.longest_gap(self.client(1, 2, 300, 301)),
                         (298 * MS, 2 * MS, 300 * MS))

    def test_around_a_moment(self):
        result = self.client(1, 500, 501, 600, 601, 605)
        self.assertEqual(verdict.gap_around(result, 550 * MS, 560 * MS)[0], 99 * MS)
        self.assertEqual(verdict.gap_around(result, 700 * MS, 800 * MS)[0], 0)

    def test_limit(self):
        self.assertTrue(verdict.gap(self.client(1, 2, 300, 301), 298, 0).ok)
        self.assertFalse(verdict.gap(self.client(1, 2, 300, 301), 297, 0).ok)

    def test_no_replies_is_no_gap_of_zero(self):
        self.assertFalse(verdict.gap(self.client(), 1000, 0).ok)


class Download(unittest.TestCase):
    BODY = bytes(range(256)) * 512

    def get(self, answer):
        ours, theirs = socket.socketpair()

        def serve():
            theirs.recv(4096)
            theirs.sendall(answer)
            theirs.close()

        thread = threading.Thread(target=serve)
        thread.start()
        result = DownloadClient(ours, "/f", 0).run()
        thread.join()
        ours.close()
        return result

    def head(self, length):
        return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % length

    def failed(self, answer, fault=0, recovered=None):
        result = self.get(answer)
        middle = (result["first_ns"] + result["last_ns"]) // 2
        return names_of_failed(verdict.download(
            result, hashlib.sha256(self.BODY).hexdigest(), fault or middle, recovered or middle))

    def test_whole(self):
        self.assertEqual(self.failed(self.head(len(self.BODY)) + self.BODY), set())

    def test_truncated(self):
        self.assertIn("download complete",
                      self.failed(self.head(len(self.BODY)) + self.BODY[:-1]))

    def test_one_wrong_byte(self):
        wrong = self.BODY[:-1] + b"x"
        self.assertEqual(self.failed(self.head(len(wrong)) + wrong), {"download's sha256"})

    def test_not_found(self):
        self.assertIn("download complete", self.failed(b"HTTP/1.0 404 Not found\r\n\r\n"))

    def test_over_before_the_fault(self):
        good = self.head(len(self.BODY)) + self.BODY
        self.assertEqual(self.failed(good, fault=1 << 62, recovered=1 << 62),
                         {"download spans the failover"})


class Silence(unittest.TestCase):
    def capture(self, *times, lost=0):
        frames = [Frame(t, True, 60, bytes(60)) for t in times]
        return SimpleNamespace(dropped=lambda: lost, out=lambda since, until: [
            f for f in frames if since <= f.real_ns < until])

    def test_silent(self):
        self.assertTrue(verdict.silent(self.capture(500), "s", until_ns=500).ok)

    def test_one_frame(self):
        self.assertFalse(verdict.silent(self.capture(499), "s", until_ns=500).ok)

    def test_capture_that_lost_frames_proves_nothing(self):
        self.assertFalse(verdict.silent(self.capture(lost=1), "s").ok)


def segment(when_ms, out, source, target, payload):
    """A TCP frame as the capture keeps it."""
    ip = struct.pack(">BBHHHBBH8s", 0x45, 0, 40 + payload, 0, 0, 64, 6, 0, bytes(8))
    tcp = struct.pack(">HHIIBBHHH", source, target, 1, 1, 0x50, 0x18, 0, 0, 0)
    head = bytes(12) + b"\x08\0" + ip + tcp
    return Frame(when_ms * MS, out, len(head) + payload, head)


class OutputRule(unittest.TestCase):
    def answers(self, delay_ms):
        frames = []
        for i in range(20):
            frames += [segment(1000 * i, False, 40000, 6379, 20),
                       segment(1000 * i + 1, True, 6379, 40000, 0),          # a bare TCP ack
                       segment(1000 * i + delay_ms, True, 6379, 40000, 5)]
        return output_rule.answers_wait(frames)

    def test_answers_that_wait(self):
        self.assertTrue(self.answers(output_rule.DELAY_MS).ok)

    def test_answers_that_do_not(self):
        self.assertFalse(self.answers(output_rule.DELAY_MS - 1).ok)

    def test_no_answers_prove_nothing(self):
        self.assertFalse(output_rule.answers_wait([]).ok)

    def early(self, left_ms, acks):
        held = [trace.Point(0, "ft_output_hold", {"seq": str(s)}) for s in (3, 3, 9)]
        left = [segment(t, True, 1, 2, 0) for t in left_ms]
        return output_rule.early_frames(left, held, [(t * MS, s) for t, s in acks])[0]

    def test_after_its_ack(self):
        self.assertEqual(self.early((10, 11, 30), [(5, 2), (9, 5), (29, 9)]), [])

    def test_before_its_ack(self):
        self.assertEqual(self.early((10, 11, 28), [(5, 2), (9, 5), (29, 9)]), [2])

    def test_never_acked(self):
        self.assertEqual(self.early((10, 11, 28), [(9, 8)]), [2])

    def test_trace_file(self):
        with tempfile.NamedTemporaryFile("w") as out:
            out.write("28@1795382152.976156:ft_ack_received received=7 executed=5\nnoise\n")
            out.flush()
            points = trace.read(Path(out.name))
        self.assertEqual([(p.real_ns, p.name, p.fields["received"]) for p in points],
                         [(1795382152976156000, "ft_ack_received", "7")])


class Story(unittest.TestCase):
    def story(self, ok=True):
        client = {"replies": 9, "lost": 0, "doubled": 0, "gaps": [(5 * MS, 99 * MS, 104 * MS)],
                  "last_ns": 200 * MS}
        return failover.Failover("kill", fault_ns=100 * MS, protected_ns=1 * MS, live_ns=103 * MS,
                                 incr=client, checks=[verdict.Check("c", ok, "")])

    def test_lines_in_order(self):
        times = [when for when, _ in timeline.lines(self.story())]
        self.assertEqual(times, sorted(times))
        self.assertIn(0.0, times)

    def test_a_run_without_verdict_is_a_failed_one(self):
        result = figures.of_failovers([self.story(), failover.Failover("kill")], 2)
        self.assertEqual((result["runs"], result["failed"], result["gap_ms_p50"]), (2, 1, 5.0))

    def test_a_bad_check_is_a_failed_run(self):
        self.assertEqual(figures.of_failovers([self.story(ok=False)], 1)["failed"], 1)

    def test_late_takeover(self):
        self.assertTrue(failover.takeover(self.story(), 500).ok)
        late = self.story()
        late.live_ns = late.fault_ns + (failover.TAKEOVER_MS["kill"] + 1) * MS
        self.assertFalse(failover.takeover(late, 500).ok)
        self.assertFalse(failover.takeover(failover.Failover("kill"), 500).ok)


class SecondaryLine(unittest.TestCase):
    """A primary's command line becomes that of a secondary."""

    def line(self, *words, changes=None):
        line = secondary_line(["qemu", *words], "10.0.0.2:7000", changes)
        self.assertEqual((line[0], line[-2:]), ("qemu", ["-machine", "ft=secondary,ft-listen=10.0.0.2:7000"]))
        return line[1:-2]

    def test_one_machine_option(self):
        self.assertEqual(self.line("-machine", "q35,ft=primary,ft-peer=b:7000,ft-arbiter=file:/x,ft-timeout=500"),
                         ["-machine", "q35,ft-arbiter=file:/x,ft-timeout=500"])

    def test_machine_option_of_its_own(self):
        self.assertEqual(self.line("-M", "pc", "-machine", "ft=primary,ft-peer=b:1"), ["-machine", "pc"])

    def test_a_survivor_was_a_secondary(self):
        line = secondary_line(secondary_line(["qemu", "-machine", "q35,ft=primary"], "a:1"), "b:2")
        self.assertEqual(line, ["qemu", "-machine", "q35", "-machine", "ft=secondary,ft-listen=b:2"])

    def test_what_only_a_primary_has(self):
        self.assertEqual(self.line("-S", "-incoming", "defer", "-m", "256", "-nodefaults"),
                         ["-m", "256", "-nodefaults"])

    def test_a_kernel_parameter_is_no_option(self):
        self.assertEqual(self.line("-append", "-S"), ["-append", "-S"])

    def test_own_files(self):
        self.assertEqual(
            self.line("-qmp", "unix:vm.qmp,server=on", "-serial", "file:/log/vm-r1.serial", "-pidfile", "vm.pid",
                      "-monitor", "mon:stdio", "-chardev", "socket,id=c,path=/run/a,,b.sock,server=on"),
            ["-qmp", "unix:vm-r1.qmp,server=on", "-serial", "file:/log/vm-r2.serial", "-pidfile", "vm-r1.pid",
             "-monitor", "mon:stdio", "-chardev", "socket,id=c,path=/run/a,,b-r1.sock,server=on"])

    def test_names_go_on(self):
        self.assertEqual([own_name("vm"), own_name("/a-r9/vm-r9.qmp"), own_name("vm-rx"), own_name("vm", 7)],
                         ["vm-r1", "/a-r9/vm-r10.qmp", "vm-rx-r1", "vm-r7"])

    def test_two_commas_are_one(self):
        self.assertEqual(pairs("q35,a=b,,c,d=e=f"), [("", "q35"), ("a", "b,c"), ("d", "e=f")])
        self.assertEqual(text_of(pairs("q35,a=b,,c")), "q35,a=b,,c")

    def test_changes(self):
        words = ("-netdev", "tap,id=n0,ifname=tap0", "-device", '{"driver": "virtio-net-pci", "id": "d0"}',
                 "-serial", "stdio")
        self.assertEqual(
            self.line(*words, changes={"n0.ifname": "tap1", "d0.mac": "52:54:00:00:00:01", "serial": "null"}),
            ["-netdev", "tap,id=n0,ifname=tap1",
             "-device", '{"driver": "virtio-net-pci", "id": "d0", "mac": "52:54:00:00:00:01"}', "-serial", "null"])
        self.assertEqual(self.line("-netdev", "tap,id=n0,br=x", changes={"n0.br": ""}), ["-netdev", "tap,id=n0"])

    def test_a_change_of_nothing_is_refused(self):
        with self.assertRaises(Unusable):
            self.line("-netdev", "tap,id=n0", changes={"n1.ifname": "tap1"})

    def test_inherited_files_are_refused(self):
        for words in (("-chardev", "socket,id=m,fd=31"), ("-netdev", '{"type":"tap","id":"n0","fd":"33"}')):
            with self.assertRaises(Unusable):
                self.line(*words)
        self.line("-netdev", "tap,id=n0,fd=33", changes={"n0.fd": "", "n0.ifname": "tap1"})


class Soak(unittest.TestCase):
    def test_gaps_without_all_times(self):
        client = LongIncrClient(None)
        for n, t in enumerate((1, 2, 300, 301, 350)):
            client._judge(b":%d" % n, 0, t * MS)
        self.assertEqual([g[0] // MS for g in client.gaps()], [298, 49, 1, 1])
        self.assertEqual(client.take_new_gaps()[1], (298 * MS, 2 * MS, 300 * MS))
        self.assertEqual((client.take_new_gaps(), len(client.times)), ([], 2))

    def test_what_counts_as_divergence(self):
        told = lambda text: Incident("cycle 1", text).diverged
        self.assertTrue(told("secondary is failed: diverged at instruction 7"))
        self.assertTrue(told("the secondary's replay stands still"))
        self.assertFalse(told("takeover within 1000 ms: 1200 ms"))

    def test_growth(self):
        rows = [{"x": n} for n in range(8)]
        self.assertEqual(sampler.quarters(rows, "x"), (2.5, 6.5))

    def test_percentile(self):
        self.assertEqual((soaking.part([3, 1, 2], 0.99), soaking.part([], 0.5), soaking.most([1, 4])), (3, None, 4))


class Xxh3(unittest.TestCase):
    """Values of the reference implementation, one for each of its paths."""

    def test_lengths(self):
        data = bytes(i & 255 for i in range(1500))
        for length, value in KNOWN.items():
            self.assertEqual(xxh3_64(data[:length]), value, f"length {length}")


KNOWN = {
    0: 0x2d06800538d394c2,
    2: 0xd6645fc3051a9457,
    6: 0xa6584d1d9a6ae704,
    12: 0x5ace6a511c10894b,
    48: 0x57433c648f7d24c9,
    56: 0xbc77d05ff952f606,
    128: 0x85c6174c7ff4c46b,
    200: 0xf42a8864feaf0703,
    300: 0xd44052f5a3485425,
    1024: 0xa870f92984398d22,
    1500: 0x011bf4b1f03fb7e7,
}


if __name__ == "__main__":
    unittest.main()
