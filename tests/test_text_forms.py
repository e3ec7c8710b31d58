"""Pictures as text: the tree, Mermaid and JSON, by golden files of eight programs and by what holds for any drawing.

After a change that is meant to be seen, `python -m tests.test_text_forms` writes the golden files anew.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import autograd_core as ag
import nn
import viz
from nn import functional as F
from tests.hostile_names import HOSTILE
from tests.test_render import drawings, network, under_another_hash_seed
from viz.render import measure, theme
from viz.render.drawing import Arrow, Box, Drawing, Group
from viz.render.mermaid import to_markdown, to_mermaid
from viz.render.text import MARKS, to_text

GOLDEN = Path(__file__).parent / "golden"


# ---------------------------------------------------------------------- eight programs


def whole(*shape: int) -> ag.Tensor:
    """Small whole numbers, in no order: sums of their products are exact on any machine."""
    return (ag.arange(math.prod(shape), dtype=ag.float64) * 7 % 5 - 2).reshape(shape)


def filled(model: nn.Module) -> Any:
    """The model in double precision, with small whole numbers in its parameters."""
    model = model.double()
    with ag.no_grad():
        for parameter in model.parameters():
            parameter.copy_(whole(*parameter.shape))
    return model


def mlp() -> viz.Picture:
    model = filled(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)))
    x, y = whole(4, 3), whole(4, 1)
    loss = ((model(x) - y) ** 2).sum()
    return viz.draw(loss, names=model)


def cnn() -> viz.Picture:
    model = filled(nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2)))
    image = whole(1, 1, 3, 3)
    loss = model(image).sum()
    return viz.draw(loss, names=model)


class ResidualBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(2, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2)
        self.conv2, self.norm2 = nn.Conv2d(2, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2)

    def forward(self, x):
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(inner)))


def residual_block() -> viz.Picture:
    model = filled(ResidualBlock())
    image = whole(1, 2, 4, 4)
    loss = model(image).mean()
    return viz.draw(loss, names=model)


class Cell(nn.Module):
    """An LSTM cell by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Linear(3, 4)

    def forward(self, x, h, c):
        i, f, g, o = self.gates(ag.cat([x, h], dim=1)).chunk(4, dim=1)
        c = ag.sigmoid(f) * c + ag.sigmoid(i) * ag.tanh(g)
        return ag.sigmoid(o) * ag.tanh(c), c


def lstm_cell() -> viz.Picture:
    cell = filled(Cell())
    h = c = ag.zeros(1, 1, dtype=ag.float64)
    for x in (whole(1, 2), whole(1, 2)):
        h, c = cell(x, h, c)
    loss = h.sum()
    return viz.draw(loss, names=cell)


def attention() -> viz.Picture:
    model = filled(nn.MultiheadAttention(4, 2, batch_first=True))
    x = whole(1, 3, 4)
    loss = model(x, x, x)[0].square().sum()
    return viz.draw(loss, names=model)


class Autoencoder(nn.Module):
    """A variational one."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 4), nn.Linear(2, 3)

    def forward(self, x, noise):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return self.decoder(mean + noise * (0.5 * log_variance).exp()), mean, log_variance


def vae() -> viz.Picture:
    model = filled(Autoencoder())
    x, noise = whole(2, 3), whole(2, 2)
    seen, mean, log_variance = model(x, noise)
    divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    loss = F.mse_loss(seen, x, reduction="sum") + divergence
    return viz.draw(loss, names=model)


def gan_step() -> viz.Picture:
    generator, discriminator = filled(nn.Linear(2, 3)), filled(nn.Sequential(nn.Linear(3, 2), nn.LeakyReLU(0.2), nn.Linear(2, 1)))
    noise = whole(4, 2)
    loss = F.binary_cross_entropy_with_logits(discriminator(generator(noise)), ag.ones(4, 1, dtype=ag.float64))
    return viz.draw(loss, names=nn.ModuleDict({"generator": generator, "discriminator": discriminator}))


def double_backward() -> viz.Picture:
    x = ag.tensor(2.0, dtype=ag.float64, requires_grad=True)
    y = x**3
    (slope,) = ag.autograd.grad(y, x, create_graph=True)
    loss = slope * slope
    return viz.draw(loss)


EXACT = {"mlp": mlp, "cnn": cnn, "double_backward": double_backward}
ROUNDED = {"residual_block": residual_block, "lstm_cell": lstm_cell, "attention": attention, "vae": vae, "gan_step": gan_step}
PROGRAMS = EXACT | ROUNDED


def without_numbers(drawing: Drawing) -> Drawing:
    """The drawing with # for values and norms, whose last digits are the machine's."""

    def hidden(lines):
        lines = (re.sub(r"(= )(\[.*\]|all [^\s,]+|[^\s,]+)", r"\1#", line) for line in lines)
        return tuple(re.sub(r"^[−\d.e+]+$", "#", line) for line in lines)

    boxes = tuple(replace(box, lines=hidden(box.lines), spark=()) for box in drawing.boxes)
    return replace(drawing, boxes=boxes, arrows=tuple(replace(arrow, lines=hidden(arrow.lines), weight=1.0) for arrow in drawing.arrows))


def golden(name: str) -> dict[str, str]:
    """The golden files of one program, as they are made now."""
    drawing = PROGRAMS[name]().drawing
    if name not in EXACT:
        drawing = without_numbers(drawing)
    files = {f"{name}.txt": to_text(drawing), f"{name}.mmd": to_mermaid(drawing)}
    if name in EXACT:
        files[f"{name}.json"] = json.dumps(drawing.to_dict(), ensure_ascii=False, indent=1) + "\n"
    return files


@pytest.mark.parametrize("name", PROGRAMS)
def test_golden_files(name):
    for file, text in golden(name).items():
        assert text == (GOLDEN / file).read_text(encoding="utf-8"), f"{file} is another one: python -m tests.test_text_forms writes it anew"


# ---------------------------------------------------------------------- the tree says all that the drawing says


def numbered(drawing: Drawing) -> Drawing:
    """The drawing with a title for each box and a rule on each arrow that occur nowhere else."""
    boxes = tuple(replace(box, title=f"<box {k}>", lines=(), spark=()) for k, box in enumerate(drawing.boxes))
    return replace(drawing, boxes=boxes, arrows=tuple(replace(arrow, lines=(f"<arrow {k}>",)) for k, arrow in enumerate(drawing.arrows)))


@settings(max_examples=80)
@given(drawings())
def test_any_drawing_as_text(drawing):
    drawing = numbered(drawing)
    text = to_text(drawing)
    check_everything_is_printed_once(drawing, text)
    check_references_lead_somewhere(text)


def check_everything_is_printed_once(drawing, text):
    lines = text.splitlines()
    marks = "".join(MARKS.values())
    own = [m[1] for line in lines if (m := re.match(rf"[│ ]*(?:├─|└─)?[{marks}] .*?<(box \d+)>", line))]
    assert Counter(own) == Counter(f"box {k}" for k in range(len(drawing.boxes)))
    said = Counter(re.findall(r"<(arrow \d+)>", "\n".join(lines)))
    assert said == Counter(f"arrow {k}" for k in range(len(drawing.arrows)))


def check_references_lead_somewhere(text):
    tree = text.partition("\n\n")[2] or text
    for arrow, number, box in re.findall(r"([↓↑])\[(\d+)\] <(box \d+)>", tree):
        (place,) = (m.start() for m in re.finditer(rf"[{''.join(MARKS.values())}] \[{number}\] \S? ?<{box}>", tree))
        here = tree.index(f"{arrow}[{number}] ")
        assert (place > here) == (arrow == "↓")


def test_what_a_line_says():
    boxes = (
        Box("x", "input", "x", ("(3,)",)),
        Box("w", "parameter", "w", ("(2, 3)", "‖grad‖ = 5"), "g"),
        Box("y", "operation", "matmul", ("(2,)", "= [1, 2]"), "g", accent="exploding"),
        Box("s", "closed", "Block", ("2 operations",), spark=(1.0, 0.0, 2.0, float("nan")), order=1),
        Box("loss", "output", "loss", ("3",)),
    )
    arrows = (
        Arrow("x", "y", ("(3,)",)),
        Arrow("y", "w", ("g @ xᵀ", "‖·‖ = 5, (2, 3)"), "backward"),
        Arrow("s", "y", ("g · 2", "= [1, 1], (2,)"), "backward", accent="path"),
        Arrow("loss", "s", ("g", "= 1"), "backward"),
    )
    drawing = Drawing("How", boxes, arrows, (Group("h", "Net"), Group("g", "Layer", "h", "repeat", 3)), ("so it is",))
    assert to_text(drawing).splitlines() == [
        "How",
        "so it is",
        f"▲ {theme.ACCENTS['exploding'].says}",
        f"● {theme.ACCENTS['path'].says}",
        "",
        "◎ loss  3",
        "▣ Block  2 operations  ▅_█× 1 … nan  1st derivative  ← g = 1",
        "[Net › Layer ×3]",
        "○ ▲ matmul  (2,) = [1, 2]                 ← ●  g · 2 = [1, 1]",
        "├─□ x  (3,)",
        "└─■ w  (2, 3)  ‖grad‖ = 5                 ← g @ xᵀ",
    ]


def test_what_is_too_long_for_a_line_goes_on_below():
    matrix = f"[{', '.join(['[0.1234, −0.5678]'] * 3)}]"
    boxes = (
        Box("w", "parameter", "w", ("(3, 2)", f"= {matrix}", f"grad = {matrix}")),
        Box("u", "parameter", "u", ("(3, 2)", f"= {matrix}", f"grad = {matrix}")),
        Box("y", "operation", "add", ("(3, 2)", f"= {matrix}")),
        Box("loss", "output", "loss"),
    )
    arrows = (
        Arrow("loss", "y", ("repeat(g)", f"= {matrix}, (3, 2)"), "backward"),
        Arrow("y", "w", ("g", f"= {matrix}"), "backward"),
        Arrow("y", "u", ("g · 2", f"= {matrix.replace('0', '1')}"), "backward"),
    )
    assert to_text(Drawing("", boxes, arrows)).splitlines() == [
        "◎ loss",
        f"○ add  (3, 2) = {matrix}",
        f"    ← repeat(g) = {matrix}",
        f"├─■ w  (3, 2) = {matrix}",
        f"│     grad = {matrix}  ← g",
        f"└─■ u  (3, 2) = {matrix}",
        f"      grad = {matrix}",
        f"      ← g · 2 = {matrix.replace('0', '1')}",
    ]


def test_values_that_are_longer_than_a_line_are_broken_between_elements():
    values = [f"−1.23{k:02d}e−05" for k in range(12)]
    boxes = (Box("w", "parameter", "w", (f"grad = [{', '.join(values)}]",)), Box("loss", "output", "x" * 200, ("", "3")))
    text = to_text(Drawing("", boxes, (Arrow("loss", "w", ("g",), "backward"),)))
    assert text.splitlines() == [
        f"◎ {'x' * 200}",
        "    3",
        "└─■ w",
        f"      grad = [{', '.join(values[:7])},",
        f"      {', '.join(values[7:])}]  ← g",
    ]


def test_a_long_chain_stays_in_its_column_and_needs_no_recursion():
    length = 50_000
    boxes = tuple(Box(str(k), "operation", f"op {k}", group=str(k // 5000)) for k in range(length))
    arrows = tuple(Arrow(str(k), str(k + 1), ("g",), "backward") for k in range(length - 1))
    drawing = Drawing("deep", boxes, arrows, tuple(Group(str(k), f"part {k}") for k in range(10)))
    start = time.process_time()
    lines = to_text(drawing).splitlines()
    assert time.process_time() - start < 5
    assert len(lines) == length + 10 + 2
    assert max(map(len, lines)) < 60
    assert lines[2:5] == ["[part 0]", "○ op 0", f"{'○ op 1':<40}  ← g"]


@pytest.mark.parametrize("make", [to_text, to_mermaid])
def test_deep_groups_need_no_recursion(make):
    count = 1200
    groups = tuple(Group(str(k), f"frame {k}", str(k - 1) if k else None) for k in range(count))
    boxes = tuple(Box(str(k), "operation", f"op {k}", group=str(k)) for k in range(0, count, 200))
    assert make(Drawing("", boxes, (), groups)).count("op ") == 6


def test_branches_of_branches_stay_on_the_page():
    levels = 400  # each operation has a branch that is as long as the rest
    boxes = tuple(Box(f"{side}{k}", "operation", f"op {k}") for k in range(levels) for side in "ab")
    arrows = [Arrow(f"a{k}", f"{side}{k + 1}", (), "backward") for k in range(levels - 1) for side in "ab"]
    arrows += [Arrow(f"b{k}", f"a{k + 1}", (), "backward") for k in range(levels - 1)]
    assert max(map(len, to_text(Drawing("", boxes, tuple(arrows))).splitlines())) < 200


@pytest.mark.parametrize("make", [to_text, to_mermaid, to_markdown])
def test_same_drawing_same_text(make):
    assert make(network()) == make(network())
    for empty in (Drawing("", (), ()), Drawing("", (Box("a", "note", ""),), (), (Group("g", ""),))):
        assert make(empty) == make(empty)


def as_text() -> bytes:
    drawing = cnn().drawing
    return (to_text(drawing) + to_mermaid(drawing) + to_markdown(network())).encode()


def test_text_does_not_depend_on_hash_seed():
    assert under_another_hash_seed("tests.test_text_forms", "as_text()") == as_text()


@pytest.mark.parametrize("make", [to_text, to_mermaid, to_markdown])
def test_drawing_that_contradicts_itself(make):
    with pytest.raises(ValueError, match="needs a box 'b'"):
        make(Drawing("", (Box("a", "note", ""),), (Arrow("a", "b"),)))


# ---------------------------------------------------------------------- Mermaid's grammar, as far as it is used

QUOTED = r'"((?:[^"#;:<>&`{}|\\%\x00-\x1f]|#\d+;|<br/>)+)"'
NODE = re.compile(rf"(n\d+)(?:\({QUOTED}\)|\[{QUOTED}\]|\[\[{QUOTED}\]\]|\[/{QUOTED}/\]|\(\({QUOTED}\)\)|>{QUOTED}\])")
LINK = re.compile(rf"(n\d+) -->(?:\|{QUOTED}\|)? (n\d+)")
GROUP = re.compile(rf"subgraph (g\d+) \[{QUOTED}\]")
LOOK = r"(?:(?:fill|stroke|color):#[0-9A-F]{6}|stroke-width:[\d.]+px|stroke-dasharray:[\d.]+ [\d.]+)"
LOOKS = [
    re.compile(rf"classDef ([a-z]+) {LOOK}(?:,{LOOK})*"),
    re.compile(r"class (n\d+(?:,n\d+)*) ([a-z]+)"),
    re.compile(rf"style (g\d+) {LOOK}(?:,{LOOK})*"),
    re.compile(rf"linkStyle \d+(?:,\d+)* {LOOK}(?:,{LOOK})*"),
]
TOLD = re.compile(r"acc(?:Title|Descr): (?:[^\"#;:<>&`{}|\\%\x00-\x1f]|#\d+;)+")


def decoded(label: str) -> str:
    return re.sub(r"#(\d+);", lambda m: chr(int(m[1])), label.replace("<br/>", "\n")).replace("\xa0", "")


def parsed(text: str) -> tuple[dict[str, tuple[str, str | None]], list[tuple[str, str, str]], dict[str, tuple[str, str | None]]]:
    """Nodes (their text and group), links (ends and text) and groups (text and parent) of a flowchart; fails where it is none."""
    lines = text.splitlines()
    if lines[0] == "---":
        assert lines[:4] == ["---", "config:", "  theme: dark", "---"]
        lines = lines[4:]
    assert lines[0] in ("flowchart TB", "flowchart BT")
    nodes, links, groups, open_groups = {}, [], {}, []
    for line in lines[1:]:
        line = line.strip()
        if m := NODE.fullmatch(line):
            nodes[m[1]] = (decoded(next(filter(None, m.groups()[1:]))), open_groups[-1] if open_groups else None)
        elif m := LINK.fullmatch(line):
            assert m[1] in nodes
            assert m[3] in nodes
            links.append((m[1], m[3], decoded(m[2] or "")))
        elif m := GROUP.fullmatch(line):
            groups[m[1]] = (decoded(m[2]), open_groups[-1] if open_groups else None)
            open_groups.append(m[1])
        elif line == "end":
            open_groups.pop()
        else:
            assert any(look.fullmatch(line) for look in (TOLD, *LOOKS)), line
    assert not open_groups
    return nodes, links, groups


def check_mermaid(drawing: Drawing, look: str = "light") -> None:
    """The chart has the drawing's boxes, arrows and groups, with the text that pictures show, and nothing else."""
    nodes, links, groups = parsed(to_mermaid(drawing, theme=look))
    names = {box.id: f"n{k}" for k, box in enumerate(drawing.boxes)}
    frames = {None: None} | {group.id: f"g{k}" for k, group in enumerate(drawing.groups)}
    told = lambda rows: "\n".join(row.written for row in rows).replace("\xa0", "")
    assert nodes == {names[b.id]: (told(measure.box_rows(b) + measure.spark_rows(b)), frames[b.group]) for b in drawing.boxes}
    assert links == [(names[a.source], names[a.target], told(measure.arrow_rows(a))) for a in drawing.arrows]
    assert groups == {frames[g.id]: (told(measure.group_rows(g)), frames[g.parent]) for g in drawing.groups}


@settings(max_examples=80)
@given(drawings())
def test_mermaid_is_a_flowchart_of_the_drawing(drawing):
    check_mermaid(drawing)
    check_mermaid(drawing, "dark")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_do_not_become_mermaid(name):
    boxes = tuple(Box(f"{name}{k}", kind, name, (name,), f"{name} inner") for k, kind in enumerate(theme.BOXES))
    arrows = (Arrow(f"{name}0", f"{name}1", (name, name)),)
    drawing = Drawing(name, boxes, arrows, (Group(f"{name} inner", name, "outer"), Group("outer", name)), (name,))
    check_mermaid(drawing)
    page = to_markdown(drawing)
    before, _, chart = page.partition("```mermaid\n")
    assert chart == to_mermaid(drawing) + "```\n"
    assert not set("<>[]`*_!|\\{}~$\x00\x1b") & set(before)
    heading = unescape(before).strip().removeprefix("# ").split()
    assert heading[: len(measure.plain(name).split())] == measure.plain(name).split()


def test_mermaid_puts_inputs_on_top():
    assert parsed(to_mermaid(network()))
    assert to_mermaid(mlp().drawing).startswith("flowchart BT\n")  # backward arrows lead up
    x = ag.ones(2, requires_grad=True)
    assert to_mermaid(viz.draw(x.sum(), "forward").drawing).startswith("flowchart TB\n")


def test_unknown_theme():
    with pytest.raises(ValueError, match="'pink' is no theme"):
        to_mermaid(network(), theme="pink")


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for program in PROGRAMS:
        for file, text in golden(program).items():
            (GOLDEN / file).write_text(text, encoding="utf-8")
            print(GOLDEN / file)
