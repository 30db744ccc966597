# SPDX-License-Identifier: GPL-2.0-or-later
"""A primary's command line, turned into the one of a secondary for it.

Nobody has to keep two command lines equal: what the primary was started with
is the truth. Only words change, no file is touched:

- every "-machine" loses ft, ft-peer and ft-listen; a last one says
  ft=secondary and where to listen (QEMU merges them);
- -S, -incoming and -loadvm go: the state comes from the primary;
- monitors, consoles, log and pid files get a name of their own, vm.qmp
  becomes vm-r1.qmp and then vm-r2.qmp, so that both fit on one host;
- the caller's own changes are made last: {"n0.ifname": "tap1"} sets a property
  of the option with id=n0, {"machine.ft-timeout": "900"} one of -machine,
  {"serial": "null"} the whole value of -serial. An empty value removes.
"""

import json
import re
from pathlib import PurePath

DROPPED_ALONE = ("S",)
DROPPED_WITH_VALUE = ("incoming", "loadvm")
CHARACTER_DEVICES = ("qmp", "qmp-pretty", "monitor", "serial", "parallel", "debugcon")
FILES = ("pidfile", "D")
KEYED = ("machine", "M", "device", "netdev", "chardev", "object", "mon", "drive", "blockdev", "nic",
         "trace", "name")
# Their value may look like an option.
FREE_TEXT = ("append", "kernel", "initrd", "fw_cfg", "smbios", "uuid", "m", "cpu", "smp", "rtc")
WITH_VALUE = {*DROPPED_WITH_VALUE, *CHARACTER_DEVICES, *FILES, *KEYED, *FREE_TEXT}
MACHINE_KEYS = ("ft", "ft-peer", "ft-listen")


class Unusable(Exception):
    """No secondary can be started from this line; the text says why."""


def secondary_line(arguments, listen, changes=None, number=None):
    """The secondary's whole command line; arguments[0] is the program.

    number: for the names of its files; else one more than in the primary's.
    """
    options = [rename(*option, number) for option in split(arguments[1:]) if not dropped(option[0])]
    options = [without_keys(*option) for option in options]
    options = [option for option in options if option != ("machine", "")]
    options.append(("machine", f"ft=secondary,ft-listen={listen}"))
    for key, value in (changes or {}).items():
        options = change(options, key, value)
    refuse_descriptors(options)
    return [arguments[0], *join(options)]


# ------------------------------------------------------------ words and options --
def split(words):
    """[(option, value)]: value None for one without, option "" for a bare word."""
    options = []
    words = list(words)
    while words:
        word = words.pop(0)
        name = word.lstrip("-") if word.startswith("-") else ""
        name = "machine" if name == "M" else name
        if name in WITH_VALUE and words:
            options.append((name, words.pop(0)))
        else:
            options.append((name, None) if name else ("", word))
    return options


def join(options):
    words = []
    for name, value in options:
        words += [f"-{name}"] if name else []
        words += [value] if value is not None else []
    return words


def dropped(name):
    return name in DROPPED_ALONE or name in DROPPED_WITH_VALUE


def pairs(value):
    """"a,b=c,d=e,,f" -> [("", "a"), ("b", "c"), ("d", "e,f")]; two commas are one."""
    parts = [p.replace("\0", ",") for p in value.replace(",,", "\0").split(",")]
    return [tuple(p.split("=", 1)) if "=" in p else ("", p) for p in parts if p]


def text_of(keyed):
    escape = lambda text: text.replace(",", ",,")
    return ",".join(f"{k}={escape(v)}" if k else escape(v) for k, v in keyed)


# ------------------------------------------------------------------ own files --
def own_name(path, number=None):
    """vm.qmp -> vm-r1.qmp -> vm-r2.qmp: never the name its parent has."""
    path = PurePath(path)
    stem, _, last = path.stem.rpartition("-r")
    if not last.isdigit() or not stem:
        stem, last = path.stem, "0"
    return str(path.with_stem(f"{stem}-r{int(last) + 1 if number is None else number}"))


def rename(name, value, number):
    if value is None:
        return name, value
    if name in FILES:
        return name, own_name(value, number)
    if name in CHARACTER_DEVICES:
        return name, rename_legacy(value, number)
    if name == "chardev" and not value.startswith("{"):
        return name, text_of([(k, own_name(v, number) if k in ("path", "logfile") else v)
                              for k, v in pairs(value)])
    if name in ("machine", "trace"):
        return name, text_of([(k, own_name(v, number) if k in ("ft-log-file", "file") else v)
                              for k, v in pairs(value)])
    return name, value


def rename_legacy(value, number):
    """"unix:vm.qmp,server=on" and what else has a path; mon: may stand before it."""
    match = re.fullmatch(r"((?:mon:)?(?:unix|file|pipe):)([^,]*)(.*)", value)
    return match[1] + own_name(match[2], number) + match[3] if match else value


def refuse_descriptors(options):
    for name, value in options:
        if name in KEYED and re.search(r"(?:^|,)(?:fd|fds|vhostfd)=|/dev/fdset/|\"fds?\":", value or ""):
            raise Unusable(f"-{name} {value}: the primary was given an open file by whoever started it "
                           f"(libvirt?); let the same start the secondary, or change it with --set")


# -------------------------------------------------------------------- changes --
def without_keys(name, value):
    if name != "machine":
        return name, value
    return name, text_of([(k, v) for k, v in pairs(value) if k not in MACHINE_KEYS])


def change(options, key, value):
    """Applies one --set; something must have changed."""
    ident, _, prop = key.rpartition(".")
    if ident == "machine":
        return [*options, ("machine", f"{prop}={value}")]
    if not ident:
        hit = [i for i, (name, old) in enumerate(options) if name == key and old is not None]
        new = [(key, value)] if value else []
    else:
        hit = [i for i, (name, old) in enumerate(options) if name in KEYED and id_of(old) == ident]
        new = None
    if not hit:
        raise Unusable(f"--set {key}: the primary's command line has no such option")
    changed = list(options)
    for i in reversed(hit):
        changed[i:i + 1] = new if new is not None else [(changed[i][0], set_in(changed[i][1], prop, value))]
    return changed


def id_of(value):
    if value.startswith("{"):
        return json.loads(value).get("id")
    return dict(pairs(value)).get("id")


def set_in(text, prop, value):
    if text.startswith("{"):
        known = json.loads(text)
        known.pop(prop, None)
        return json.dumps({**known, prop: value} if value else known)
    kept = [(k, v) for k, v in pairs(text) if k != prop]
    return text_of([*kept, (prop, value)] if value else kept)
