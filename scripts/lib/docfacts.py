# SPDX-License-Identifier: GPL-2.0-or-later
"""What the code, the tests and the benchmark say of themselves, for scripts/doc-check to compare with the documents."""

import fnmatch
import importlib.util
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FT_BUILD_DIR", ROOT / "build"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def tracked(pattern="*"):
    names = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    return [pathlib.Path(name) for name in names if name]


def options_in_code():
    """{option: (values, default)} of -machine as ft-options.c parses them; None where it does not check that itself."""
    text = read("accel/ft/glue/ft-options.c")
    defined = dict(re.findall(r"^#define (\w+) (\d+)$", text, re.M))
    found = {name: (None, None) for name in re.findall(r'ft_take_\w+\(opts, "(ft[\w-]*)"', text)}
    for name, *numbers in re.findall(r'ft_take_number\(opts, "(ft[\w-]*)",\s*(\w+),\s*(\w+),\s*(\w+),', text):
        low, high, default = (defined.get(number, number) for number in numbers)
        found[name] = (f"{low}..{high}", default)
    for name, first, other in re.findall(r'ft_take_word\(opts, "(ft[\w-]*)", "(\w+)",\s*"(\w+)"', text):
        found[name] = (f"`{first}`, `{other}`", f"`{first}`")
    return found


def options_in_help():
    """{option: default or None} as -help of QEMU prints them: the lines that the patch series adds."""
    text = "".join(path.read_text(errors="replace") for path in sorted((ROOT / "qemu-patches").rglob("*.patch")))
    lines = re.findall(r'^\+    " +(ft[\w-]*)=(.*)\\n"', text, re.M)
    return {name: next(iter(re.findall(r"default=(\w+)", rest)), None) for name, rest in lines}


def state_names():
    """The states by the names that the core gives them."""
    return set(re.findall(r'case FT_STATE_\w+:\s*return "([\w-]+)"', read("accel/ft/session_names.cpp")))


def rare_paths():
    """What the simulator can have reached."""
    return set(re.findall(r'"([\w.]+)"\)', read("tests/sim/reached.def")))


def goals():
    """{figure: the number it shall reach}."""
    path = next(path for path in tracked() if path.name == "goals.py")
    spec = importlib.util.spec_from_file_location("goals", ROOT / path)
    sys.modules["goals"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {goal.name: goal.value for goal in module.GOALS}


class Tests:
    """The names that scripts/test --list prints: GROUP/TEST. What is not built has no list."""

    def __init__(self):
        listed = subprocess.run([ROOT / "scripts/test", "--list"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        self.names = listed.stdout.decode().split()
        self.unlisted = set()
        if not (BUILD / "core").exists():
            self.unlisted |= {"unit", "negative"}
        if not (BUILD / "guest/cmdline").exists():      # pair tests read it when they are loaded
            self.unlisted.add("pair")
        self.groups = {name.split("/")[0] for name in self.names} | self.unlisted

    def knows(self, group, pattern):
        return group in self.unlisted or any(fnmatch.fnmatch(name, f"{group}/{pattern}") for name in self.names)
