# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the table of monitor commands (accel/ft/glue/ft-monitor-allow.def) knows every
command of this QEMU, and what it says is done.

Method: query-commands of a QEMU without ft= is compared with the rows: no command
without a row or a rule, no row without a command. Then a pair: on the primary, on
the secondary and on the exposed survivor each command that the table refuses there
is called, and answers with the sentence of its row.
"""

import re

from ftpair.node import ROOT
from ftpair.qmp import QmpError

TABLE = ROOT / "accel/ft/glue/ft-monitor-allow.def"
ROW = re.compile(r'^FT_(QMP|HMP)\("([^"]+)", (ALWAYS|GUEST|ALONE|START|NEVER),', re.MULTILINE)


def rows(kind):
    found = [(name, when) for k, name, when in ROW.findall(TABLE.read_text()) if k == kind]
    names = [name for name, _ in found]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    return dict(found)


def is_a_rule(name):
    return name.startswith(("query-", "x-query-"))


def table_is_whole(case, node):
    commands = {c["name"] for c in node.qmp.command("query-commands")}
    table = rows("QMP")
    missing = sorted(n for n in commands - set(table) if not is_a_rule(n))
    case.expect("every command has a row", not missing, missing)
    unknown = sorted(n for n in set(table) - commands)
    case.expect("every row has a command", not unknown, unknown)


def call(node, name):
    """What a call without arguments is answered; all refusals come before the arguments are looked at."""
    try:
        return f"(accepted: {node.qmp.command(name)})"
    except QmpError as error:
        return str(error)


def refuses(case, node, when):
    for name, said_when in rows("QMP").items():
        if said_when in when:
            said = call(node, name)
            case.expect(f"{node.name} refuses {name}", "refused by FT: " in said, said)
    for line in ("savevm x", "loadvm x", "delvm x"):
        said = node.qmp.command("human-monitor-command", command_line=line)
        case.expect(f"{node.name}: HMP {line} reads as a failure", said.startswith("Error while ") and "FT" in said, said)
    said = node.qmp.command("human-monitor-command", command_line="drive_add 0 if=none")
    case.expect(f"{node.name}: HMP drive_add", said.startswith("Error: refused by FT"), said)


def capabilities(case, node):
    """libvirt's, in each start: taken without effect. All others refused by name."""
    node.qmp.command("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
    try:
        said = str(node.qmp.command("migrate-set-capabilities", capabilities=[{"capability": "multifd", "state": True}]))
    except QmpError as error:
        said = str(error)
    case.expect(f"{node.name} refuses the capability multifd", "'multifd'" in said and "FT" in said, said)
    on = [c["capability"] for c in node.qmp.command("query-migrate-capabilities") if c["state"]]
    case.expect("and none was switched on", "events" not in on and "multifd" not in on, on)


def test_command_table(case):
    with case.pair("off", ft=False) as pair:
        pair.primary.start().connect()
        table_is_whole(case, pair.primary)
    with case.pair() as pair:
        pair.start(captures=()).wait_up()
        for node, when in ((pair.primary, ("NEVER", "ALONE", "START")), (pair.secondary, ("NEVER", "ALONE", "START", "GUEST"))):
            refuses(case, node, when)
            capabilities(case, node)
        pair.wait_protected(2)
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        refuses(case, pair.secondary, ("NEVER", "START"))
        capabilities(case, pair.secondary)
