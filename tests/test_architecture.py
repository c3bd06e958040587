"""The law of the house (docs/architecture.md): who may import whom, how large a room may be, what it may be called."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("acsportal", "calls", "streaming")
PURE = (
    "streaming.audio",
    "streaming.protocol",
    "streaming.session",
    "streaming.rendering",
    "streaming.pipeline",
    "streaming.engines",
    "streaming.transcripts.messages",
    "streaming.transcripts.session",
)
VAGUE_NAMES = {"utils", "helpers", "common", "misc", "base", "core"}
# The engines' loader imports what was chosen in the settings.
IMPORTS_IN_FUNCTIONS = {"streaming/engines/contract.py"}
AZURE_ROOMS = {
    "calls/gateway.py",
    "calls/gateway_recordings.py",
    "calls/gateway_transcripts.py",
    "calls/identity.py",
    "streaming/engines/azure_speech.py",
    "streaming/recording/stored/blobs.py",
}
MODULE_WALL, TEST_WALL, FUNCTION_WALL, FOLDER_WALL = 400, 600, 40, 16
# calls/ is the one room whose map the house draws with more names than a folder should show.
WIDE_FOLDERS = {"calls": 37}
PROSE = {".py", ".js", ".css", ".html"}
# Modules whose behaviour is wholly that of a door that other tests go through.
WITHOUT_OWN_TEST = {
    "acsportal/asgi.py",  # every journey
    "acsportal/settings.py",  # tests/acsportal/test_settings_in_production.py
    "acsportal/urls.py",  # tests/calls/test_doors.py
    "acsportal/emulator/scenarios/make.py",  # needs espeak-ng; its output is tested
    "calls/apps.py",
}


def modules(*rooms: str) -> list[Path]:
    found = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module's dotted name, and whether the import stands inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who asks whom"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in inside


def test_imports_go_from_the_front_door_to_the_sound_to_what_is_known() -> None:
    allowed = {
        "calls": {"calls"},
        "streaming": {"streaming", "calls"},
        "acsportal": {"acsportal", "streaming", "calls"},
    }
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in modules(*ROOMS)
        for imported, _ in imports(path)
        if imported.split(".")[0] in ROOMS and imported.split(".")[0] not in allowed[name_of(path).split(".")[0]]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_emulator_imports_no_other_room_and_no_django() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in modules("acsportal/emulator")
        for imported, _ in imports(path)
        if imported.split(".")[0] in {"django", "channels", "calls", "streaming"}
        or (imported.startswith("acsportal") and not imported.startswith("acsportal.emulator"))
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_import_neither_django_nor_channels_nor_calls() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in modules("streaming")
        if name_of(path).startswith(PURE)
        for imported, _ in imports(path)
        if imported.split(".")[0] in {"django", "channels", "asgiref", "calls", "acsportal"}
        or (imported.startswith("streaming.") and not imported.startswith(PURE))
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_decode_the_golden_frames_where_django_cannot_be_imported() -> None:
    script = """
import sys
for name in ("django", "channels", "calls", "acsportal"):
    sys.modules[name] = None
import importlib, pathlib
for name in sys.argv[1:]:
    importlib.import_module(name)
from datetime import UTC, datetime
from streaming.protocol import decode
count = 0
for path in sorted(pathlib.Path("tests/messages").glob("*.json")):
    decode(path.read_text())
    count += 1
assert count >= 3, count
"""
    names = [
        name_of(path) for path in modules("streaming") if name_of(path).startswith(PURE) and path.stem != "espeak_child"
    ]
    done = subprocess.run([sys.executable, "-c", script, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_azures_sdk_is_known_in_its_own_rooms_only() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in modules(*ROOMS)
        for imported, _ in imports(path)
        if imported.startswith("azure.") and path.relative_to(ROOT).as_posix() not in AZURE_ROOMS
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.stem in VAGUE_NAMES]
    assert not vague, vague


def test_no_import_hides_in_a_function() -> None:
    hidden = [
        f"{path.relative_to(ROOT)} imports {imported} in a function"
        for path in modules(*ROOMS)
        if path.relative_to(ROOT).as_posix() not in IMPORTS_IN_FUNCTIONS
        for imported, inside in imports(path)
        if inside
    ]
    assert not hidden, "\n".join(hidden)


def prose(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in PROSE and not {"vendor", "migrations", "node_modules"} & set(path.parts):
                yield path


def test_modules_templates_and_stylesheets_stay_within_their_walls() -> None:
    long = []
    for folder, wall in (*((room, MODULE_WALL) for room in (*ROOMS, "templates", "static")), ("tests", TEST_WALL)):
        for path in prose(folder):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > wall:
                long.append(f"{path.relative_to(ROOT)} has {lines} lines, more than {wall}")
    assert not long, "\n".join(long)


def test_functions_fit_on_a_screen() -> None:
    long = []
    for path in modules(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_WALL:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {lines} lines")
    assert not long, "\n".join(long)


def test_a_folder_shows_few_enough_names() -> None:
    crowded = []
    for folder in {path.parent for path in modules(*ROOMS)}:
        names = [each for each in folder.iterdir() if not each.name.startswith((".", "__"))]
        wall = WIDE_FOLDERS.get(folder.relative_to(ROOT).as_posix(), FOLDER_WALL)
        if len(names) > wall:
            crowded.append(f"{folder.relative_to(ROOT)} shows {len(names)} names")
    assert not crowded, "\n".join(crowded)


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_has_its_test_module(room: str) -> None:
    without = []
    for path in modules(room):
        relative = path.relative_to(ROOT)
        if path.stem in {"__init__", "__main__"} or relative.as_posix() in WITHOUT_OWN_TEST:
            continue
        folder = ROOT / "tests" / relative.parent
        tested = [folder / f"test_{path.stem}.py", folder.with_name(f"test_{folder.name}.py")]
        if not any(each.exists() for each in tested):
            without.append(f"{relative} has no {tested[0].relative_to(ROOT)}")
    assert not without, "\n".join(without)


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    marks = ("/" + "work/", "index" + "-url", "files.python" + "hosted", "registry.npm" + "js")
    for path in [*prose(*ROOMS, "templates", "static", "tests"), *ROOT.glob("*.txt"), *ROOT.glob("docs/*.md")]:
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(ROOT)} says {mark}" for mark in marks if mark in text]
    assert not found, "\n".join(found)
