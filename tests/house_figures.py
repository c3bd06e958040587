"""The house in numbers, one JSON object on stdout; fails if a figure is beyond its aim (docs/architecture.md)."""

import ast
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ROOMS: Final = ("acsportal", "calls", "streaming")
AIMS: Final = {
    "module_lines_median": 120,
    "module_lines_p90": 300,
    "function_lines_median": 8,
    "function_lines_p95": 35,
    "hidden_imports": 0,
    "patches_of_our_names_per_test": 0,
}
# The one module that imports what the settings name.
LOADER: Final = "streaming/engines/contract.py"
PATCHERS: Final = {"setattr", "setitem", "delattr", "patch", "object"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*rooms: str) -> list[tuple[Path, str]]:
    paths = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    return [(path, path.read_text(encoding="utf-8")) for path in paths if "migrations" not in path.parts]


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def says_its_return(function: Function) -> bool:
    return function.returns is not None


def percentile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def patches(tree: ast.AST) -> int:
    """How often a test replaces a name of ours: monkeypatch.setattr("calls.…") or on an object, mock.patch(…)."""
    found = 0
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PATCHERS):
            continue
        owner = ast.unparse(node.func.value)
        first = ast.unparse(node.args[0]) if node.args else ""
        if owner in {"monkeypatch", "mock", "mock.patch", "patch", "mocker", "mocker.patch"}:
            found += any(first.strip("'\"").startswith(room) for room in ROOMS)
    return found


def figures() -> dict[str, float]:
    ours = [(path, text, ast.parse(text)) for path, text in sources(*ROOMS)]
    lines = [len(text.splitlines()) for path, text, _ in ours if text.strip() and path.stem != "__init__"]
    all_functions = [function for _, _, tree in ours for function in functions(tree)]
    sizes = [(each.end_lineno or each.lineno) - each.lineno + 1 for each in all_functions]
    hidden = sum(
        isinstance(node, ast.Import | ast.ImportFrom)
        for path, _, tree in ours
        if path.relative_to(ROOT).as_posix() != LOADER
        for function in functions(tree)
        for node in ast.walk(function)
    )
    tests = [ast.parse(text) for _, text in sources("tests")]
    count = sum(each.name.startswith("test_") for tree in tests for each in functions(tree))
    return {
        "modules": len(lines),
        "module_lines_median": statistics.median(lines),
        "module_lines_p90": percentile(lines, 0.9),
        "functions": len(sizes),
        "function_lines_median": statistics.median(sizes),
        "function_lines_p95": percentile(sizes, 0.95),
        "hidden_imports": hidden,
        "tests": count,
        "patches_of_our_names_per_test": round(sum(map(patches, tests)) / count, 3),
        "annotated_returns_percent": round(100 * sum(map(says_its_return, all_functions)) / len(sizes), 1),
    }


def main() -> int:
    found = figures()
    print(json.dumps({"house": found}))
    beyond = [f"{name} is {found[name]}, its aim is at most {aim}" for name, aim in AIMS.items() if found[name] > aim]
    if found["annotated_returns_percent"] < 100:
        beyond.append("a function does not say what it returns")
    for sentence in beyond:
        print(sentence, file=sys.stderr)
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
