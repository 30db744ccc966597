# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: with ft-compress=zstd the log gets smaller than what it carries, and a
takeover in the middle of it loses nothing; without it, it does not.

Method: the client posts 4 MiB of one letter to the guest, with and without the
option; then the primary of the compressing pair is killed under INCR.
"""

import hashlib

from ftpair import guest, verdict
from ftpair.succession import Succession

POSTED = 4 << 20
BODY = b"a" * POSTED


def test_compress(case):
    plain = posted(case, "plain", ())
    packed = posted(case, "zstd", ("ft-compress=zstd",), kill=True)
    case.expect("the plain log carries what was posted", plain >= POSTED, f"{plain} of {POSTED} bytes")
    case.expect("the compressed log is a quarter of it at most", packed <= POSTED / 4, f"{packed} bytes")


def posted(case, name, words, kill=False):
    """The log's bytes while the client posted."""
    with Succession.of(case, name, machine=("ft-digest=1000", *words)) as pair:
        pair.start(captures=()).wait_up()
        before = pair.primary.query()["log-bytes"]
        sum_there = guest.post(pair, BODY)
        grown = pair.primary.query()["log-bytes"] - before
        case.expect(f"{name}: the guest got it whole", sum_there == hashlib.sha256(BODY).hexdigest(), sum_there)
        pair.stay_protected(2)
        if kill:
            pair.start_long_incr()
            pair.fail_over()
            case.judge(*verdict.replies(pair.incr.finish()))
        return grown
