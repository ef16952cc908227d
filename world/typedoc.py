"""Writes docs/types.md: every record and enumeration of the vocabulary, read from the source.

python -m world.typedoc > docs/types.md
"""

import ast
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = ("records.py", "scenario.py", "roadmap.py", "routing.py", "draft.py", "protocols.py", "kinds.py")
INTRO = """# Types

Every record that flows through the stack, with shapes, units and frames; made by
`python -m world.typedoc > docs/types.md` from the source. Frames are explained in [frames.md](frames.md).
"""


def _comment(lines: list[str], node: ast.stmt) -> str:
    """The comment that follows a field, on its last line."""
    text = lines[(node.end_lineno or node.lineno) - 1][node.end_col_offset :]
    return text.partition("#")[2].strip()


def _default(node: ast.AnnAssign) -> str:
    if node.value is None:
        return ""
    text = ast.unparse(node.value)
    return "" if text.startswith("field(") else text


def _row(*cells: str) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _fields(node: ast.ClassDef, lines: list[str]) -> list[str]:
    rows = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            kind = ast.unparse(item.annotation)
            default = _default(item)
            rows.append(
                _row(f"`{item.target.id}`", f"`{kind}`" + (f" = `{default}`" if default else ""), _comment(lines, item))
            )
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            rows.append(_row(f"`{item.targets[0].id}`", f"`{ast.unparse(item.value)}`", _comment(lines, item)))
    return rows


def _methods(node: ast.ClassDef) -> list[str]:
    out = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            doc = (ast.get_docstring(item) or "").split("\n")[0]
            out.append(f"- `{item.name}({ast.unparse(item.args)})`" + (f": {doc}" if doc else ""))
    return out


def document(path: Path) -> str:
    """Markdown section of one source file: a table a public class."""
    text = path.read_text()
    lines = text.splitlines()
    tree = ast.parse(text)
    parts = [f"\n## `world/{path.name}`\n\n{ast.get_docstring(tree) or ''}"]
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        parts.append(f"\n### {node.name}\n\n{ast.get_docstring(node) or ''}\n")
        rows = _fields(node, lines)
        if rows:
            parts.append("\n".join(["| field | type | meaning |", "| --- | --- | --- |", *rows]))
        parts.extend(_methods(node))
    return "\n".join(parts)


def main() -> None:
    print(INTRO + "\n".join(document(HERE / name) for name in SOURCES if (HERE / name).exists()))


if __name__ == "__main__":
    main()
