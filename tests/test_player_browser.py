"""The step player and the page of a picture, in a real browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from random import Random

import pytest

import autograd_core as ag
import nn
import viz
from tests.hostile_names import HOSTILE
from viz.graph.collapse import collapsed
from viz.graph.names import Names, caller
from viz.graph.trace import trace
from viz.player.page import Page, closed_at_first, to_html
from viz.render import measure, structure, theme
from viz.render.drawing import Arrow, Box, Drawing, Group
from viz.render.layout import solve

expect = pytest.importorskip("playwright.sync_api", reason="NO BROWSER: playwright is not installed").expect


def leaf(value):
    return ag.tensor(value, dtype=ag.float64, requires_grad=True)


def mlp(show=viz.step):
    ag.manual_seed(0)
    with viz.record():
        model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        loss = nn.CrossEntropyLoss()(model(ag.randn(5, 4)), ag.tensor([0, 1, 0, 1, 1]))
    return show(loss, names=model)


def transformer(show=viz.step):
    ag.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
    return show(layer(ag.randn(2, 3, 8)).square().mean(), names=layer)


def shared():
    a, b = leaf(2.0), leaf(3.0)
    c = a * b
    return viz.step((c + a) * c, names=dict(a=a, b=b, c=c))


def often(show=viz.step):
    """Seven uses of one layer."""
    ag.manual_seed(0)
    layer, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), ag.randn(2, 2)
    for _ in range(7):
        x = layer(x)
    return show(x.sum(), names=layer)


def unrolled(show=viz.step):
    """Sixty steps that share a weight; the first one uses what the row begins with."""
    ag.manual_seed(0)
    w, h = ag.randn(3, 3).requires_grad_(), ag.randn(2, 3).requires_grad_()
    x = h
    for _ in range(60):
        x = (x @ w).tanh()
    return show(x.sum(), names=dict(w=w, h=h))


def penalised(show=viz.step):
    """A model, and a penalty on all its weights."""
    ag.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(3, 3) for _ in range(20)])
    loss = model(ag.randn(2, 3)).square().mean()
    return show(loss + sum(p.square().sum() for p in model.parameters()), names=model)


@pytest.fixture
def opened(page, tmp_path):
    """Saves something and opens it in the page."""

    def opened(thing, page=page, name="x.html"):
        page.goto(thing.save(tmp_path / name).as_uri())
        return page

    return opened


def traced(loss, names):
    return trace(loss, Names(loss, names, caller()))


def words(page):
    return [line for line in page.locator("#says").inner_text().split("\n") if line]


def box(page, name):
    return page.locator(", ".join(f'.box[aria-label^="{kind} {name};"]' for kind in ("operation", "parameter")))


# ---------------------------------------------------------------------- steps


@pytest.mark.parametrize("make", [shared, mlp, transformer])
def test_keys_walk_through_all_frames(opened, make):
    player = make()
    page = opened(player)
    titles = {b.id: b.title for b in player.drawing.boxes}
    for k, frame in enumerate(player.frames):
        counter, said, current = page.evaluate("""() => [
          document.querySelector('#counter').textContent,
          [...document.querySelectorAll('#says p, #says li')].map(row => row.textContent),
          [...document.querySelectorAll('.box.now')].map(box => [...box.querySelectorAll('.title')].map(row => row.textContent).join(' ')),
        ]""")
        assert counter == f"step {k} of {len(player.frames) - 1}"
        assert said == list(frame.says)
        assert current == ([titles[frame.vertex]] if frame.vertex else [])
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    assert page.locator("#counter").inner_text().startswith("step 0 ")
    page.keyboard.press("End")
    assert words(page)[0] == player.frames[-1].says[0]
    assert page.locator(".waiting").count() == 0
    page.keyboard.press("ArrowLeft")
    assert words(page)[0] == player.frames[-2].says[0]
    page.keyboard.press("PageDown")  # the keys of who presents
    assert words(page)[0] == player.frames[-1].says[0]
    page.keyboard.press("PageUp")
    assert words(page)[0] == player.frames[-2].says[0]


def test_partial_sums_come_one_after_the_other(opened):
    page = opened(shared())
    a = box(page, "a")
    states = []
    for _ in range(6):
        states.append((a.get_attribute("data-state"), a.locator(".badge").text_content(), a.locator(".said").text_content()))
        page.keyboard.press("ArrowRight")
    assert states == [
        ("waiting", "", ""),
        ("waiting", "", ""),
        ("part", "1/2", "1 of 2 parts = 6"),
        ("ready", "●", "all 2 parts = 48"),
        ("ready", "●", "all 2 parts = 48"),
        ("done", "➤", "gradient = 48"),
    ]


def test_arrows_get_their_gradient_when_it_is_handed_on(opened):
    page = opened(shared())
    told = lambda: page.locator(".arrow.backward .told").all_text_contents()
    assert told() == ["= 1"]
    page.keyboard.press("ArrowRight")
    assert sorted(told()) == sorted(["= 1", "= 6", "= 8", "1 of 2 parts = 8"])
    assert sorted(page.locator(".arrow.now .told").all_text_contents()) == ["1 of 2 parts = 8", "= 6", "= 8"]
    page.keyboard.press("End")
    assert {"= 48", "= 14", "= 28", "= 42"} <= set(told())


def test_slider_and_buttons(opened):
    player = mlp()
    page = opened(player)
    page.locator("#slider").fill("5")
    assert words(page)[0] == player.frames[5].says[0]
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#counter").inner_text() == f"step 6 of {len(player.frames) - 1}"
    assert "step 6 of" in page.locator("#slider").get_attribute("aria-valuetext")
    for button, k in (("back", 5), ("forth", 6), ("first", 0), ("last", len(player.frames) - 1)):
        page.locator(f"#{button}").click()
        assert page.locator("#counter").inner_text().startswith(f"step {k} ")


def test_play_runs_to_the_end_and_space_pauses(opened):
    player = shared()
    page = opened(player)
    first = page.locator("#counter").inner_text()
    page.locator("#speed").select_option("0.5")
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.press(" ")
    expect(page.locator("#counter")).not_to_have_text(first, timeout=15_000)
    page.keyboard.press(" ")
    assert page.locator("#play").get_attribute("aria-label") == "Play"
    at = page.locator("#counter").inner_text()
    page.locator("#speed").select_option("4")
    page.wait_for_timeout(600)
    assert page.locator("#counter").inner_text() == at
    assert page.locator("#play").get_attribute("aria-label") == "Play"
    page.locator("#play").click()
    expect(page.locator("#counter")).to_have_text("step 5 of 5")
    assert page.locator("#play").get_attribute("aria-label") == "Play"


# ---------------------------------------------------------------------- opening and closing


OVERLAPPING = """() => {
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const around = parts => {
    const found = parts.map(part => part.getBBox()).filter(at => at.width);
    const x = Math.min(...found.map(at => at.x)), y = Math.min(...found.map(at => at.y));
    return {x, y, right: Math.max(...found.map(at => at.x + at.width)), bottom: Math.max(...found.map(at => at.y + at.height))};
  };
  const named = (elements, parts) => elements.filter(e => parts(e).length).map(e => ({says: e.textContent, ...around(parts(e))}));
  const boxes = named(all('.box'), box => all('.outline', box)), fronts = named(all('.box'), box => all('.outline:not(.behind)', box));
  const labels = named(all('.arrow'), arrow => all('text', arrow)), headings = named(all('.heading'), heading => all('text', heading));
  const meet = (a, b) => a.x + 1.5 < b.right && b.x + 1.5 < a.right && a.y + 1.5 < b.bottom && b.y + 1.5 < a.bottom;
  const problems = [];
  const apart = (some, others) => some.forEach((a, i) => others.forEach((b, k) => {
    if ((some !== others || i < k) && meet(a, b)) problems.push(`${a.says} overlaps ${b.says}`);
  }));
  for (const [some, others] of [[boxes, boxes], [labels, labels], [labels, boxes], [headings, boxes], [headings, labels]]) {
    apart(some, others);
  }
  const inside = named(all('.box'), box => all(':scope > text, .said text', box));
  inside.forEach((text, k) => { if (text.x < fronts[k].x || text.right > fronts[k].right) problems.push(`${text.says} leaves its box`); });
  return problems;
}"""


def overlapping(page):
    """Boxes, headings and what stands at arrows that overlap each other, and boxes with text that leaves them."""
    return page.evaluate(OVERLAPPING)


def test_headings_close_and_boxes_open(opened):
    page = opened(mlp())
    count = page.locator(".box").count
    whole = count()
    page.locator("#fit").click()
    page.locator(".group", has_text="2: Linear").last.locator(".heading").click()
    assert count() == whole - 3 + 1  # linear, weight and bias are one box
    shut = page.locator(".box.closed")
    assert shut.get_attribute("aria-expanded") == "false"
    assert "g · ∂Linear/∂in" in page.locator(".arrow .rule").all_text_contents()
    shut.click()
    assert count() == whole
    assert shut.count() == 0
    page.locator("#close").click()
    assert page.locator(".box.closed").count() == 2  # the model, and the loss
    page.locator("#open").click()
    assert count() == whole


def test_enter_closes_and_opens(opened):
    page = opened(mlp())
    whole = page.locator(".box").count()
    page.locator(".group", has_text="1: ReLU").last.focus()
    page.keyboard.press("Enter")
    assert page.locator(".box.closed").count() == 1
    assert page.locator(".box").count() == whole
    page.keyboard.press("Enter")  # what was closed has the focus
    assert page.locator(".box.closed").count() == 0


def test_gradients_at_a_closed_box_are_sums(opened):
    """In every frame, what crosses the boundary of the closed layer is the sum of what the operations inside have handed on."""
    player = transformer()
    page = opened(player)
    page.locator("#close").click()
    assert page.locator(".box.closed").count() == 1
    texts = []
    for _ in player.frames:
        texts.append(page.locator(".box.closed .said").text_content())
        page.keyboard.press("ArrowRight")
    counts = [int(re.match(r"(\d+) of", text)[1]) for text in texts if text]
    assert counts == sorted(counts)
    total = int(re.search(r"of (\d+) steps", texts[-1])[1])
    assert counts[-1] == total
    assert page.locator(".box.closed").get_attribute("data-state") == "done"


@pytest.mark.parametrize("make", [mlp, transformer, often])
def test_nothing_overlaps_and_no_arrow_is_lost_however_it_is_opened(opened, make):
    player = make()
    page = opened(player)
    groups, homes = player.drawing.groups, structure.homes(player.drawing)
    closed = closed_at_first(player.drawing)
    chance = Random(0)
    for _ in range(16):
        assert overlapping(page) == []
        seen = {box: next((group for group in home if group in closed), box) for box, home in homes.items()}
        pairs = {(seen[arrow.source], seen[arrow.target]) for arrow in player.drawing.arrows}
        shown = page.locator(".arrow").evaluate_all("all => all.map(arrow => Number(arrow.dataset.arrow))")
        assert {(seen[player.drawing.arrows[k].source], seen[player.drawing.arrows[k].target]) for k in shown} == {
            pair for pair in pairs if pair[0] != pair[1]
        }
        handles = page.locator(".group, .box.closed[data-member^='-']")
        handle = handles.nth(chance.randrange(handles.count()))
        member = handle.evaluate("e => e.dataset.group === undefined ? -1 - e.dataset.member : Number(e.dataset.group)")
        handle.focus()
        page.keyboard.press("Enter")
        for _ in range(chance.randrange(4)):
            page.keyboard.press("ArrowRight")
        closed ^= {groups[member].id}


@pytest.mark.parametrize("make", [mlp, transformer, often])
def test_closed_groups_tell_the_gradients_of_the_collapsed_trace(page, make):
    """Whatever else is closed: each value that a group hands a gradient to, by the same rule, with the same sum."""
    player, found, chance = make(), make(traced), Random(1)
    closed = {call.id for call in found.calls if call is not found.calls[0] and chance.random() < 0.7}  # the first is around all
    page.set_content(to_html(replace(player._page, closed=closed)))
    page.keyboard.press("End")
    told = dict(page.locator(".box.closed").evaluate_all("all => all.map(b => [-1 - b.dataset.member, b.getAttribute('aria-label')])"))
    place = {group.id: k for k, group in enumerate(player.drawing.groups)}
    compared = 0
    for box in (v for v in collapsed(found, closed).vertices if v.kind == "closed"):
        for edge in box.inputs:
            if edge.part is not None:
                assert re.search(f"{re.escape(edge.formula)} to [^;]*: {re.escape(edge.part.text())}", told[place[box.id]])
                compared += 1
    assert compared


PICTURES = [  # of a pass
    lambda loss, **how: viz.draw(loss, **how),
    lambda loss, **how: viz.health(loss, **how).picture(),
    lambda loss, **how: viz.diff(loss, loss, **how).picture(),
]


@pytest.mark.parametrize("draw", PICTURES)
@pytest.mark.parametrize(("make", "seed"), [(mlp, 0), (mlp, 1), (transformer, 0), (transformer, 1), (often, 0)])
def test_a_pictures_page_shows_at_first_what_the_picture_does_and_opens_and_closes_the_rest(opened, draw, make, seed):
    """Whatever is closed, each closed group says, and hands on, what the picture with that closed says."""
    chance, found = Random(seed), make(traced)
    closed = {call.id for call in found.calls if chance.random() < 0.5}
    drawn = lambda loss, names: draw(loss, names=names, collapse=lambda call: call.id in closed)
    page = opened(make(drawn))

    def compare(picture):
        count = lambda kind: sum(box.kind == kind for box in picture.boxes)
        shown = page.locator(".box.closed").evaluate_all(
            "all => all.map(b => [b.querySelector('.title').textContent, [...b.querySelectorAll('.small')].map(t => t.textContent)])"
        )
        expected = [(box.title, list(box.lines)) for box in picture.boxes if box.kind == "closed"]
        names = lambda lines: [line for line in lines if not line.startswith("→")]  # of what is drawn elsewhere
        assert sorted((title, names(lines)) for title, lines in shown) == sorted(expected)
        assert page.locator(".box.operation").count() == count("operation")
        told = " ".join(page.locator(".box.closed").evaluate_all("all => all.map(b => b.getAttribute('aria-label'))"))
        for arrow in picture.arrows:
            if arrow.kind == "backward" and any(box.id == arrow.source and box.kind == "closed" for box in picture.boxes):
                assert f"hands {arrow.lines[0]}, {' '.join(arrow.lines[1:])} to" in told

    compare(make(drawn).drawing)
    page.locator("#open").click()
    compare(make(lambda loss, names: draw(loss, names=names, depth=9)).drawing)
    page.locator("#close").click()
    compare(make(lambda loss, names: draw(loss, names=names, depth=0)).drawing)


@pytest.mark.parametrize("show", [viz.step, *PICTURES])
def test_what_the_steps_of_a_closed_repeat_share_is_in_sight(opened, show):
    """And so is what the first step begins with: the picture with the repeat closed shows both."""
    page = opened(unrolled(show))
    page.locator("#close").click()
    assert page.locator(".box.closed").count() == 1
    assert [box(page, name).count() for name in "wh"] == [1, 1]
    told = page.locator(".box.closed").get_attribute("aria-label")
    for name in "wh":
        assert re.search(rf"hands g · ∂\(step ×60\)/∂{name}\b.* to {name}\b", told)


@pytest.mark.parametrize("show", [viz.step, *PICTURES])
def test_a_closed_model_holds_its_weights_whatever_else_uses_them(opened, show):
    """The penalty's gradients of forty weights are one arrow to it, as in the picture."""
    page = opened(penalised(show))
    page.keyboard.press("End")
    page.locator("#close").click()
    assert page.locator(".box.closed").count() == 2
    assert page.locator(".box.parameter").count() == 0
    assert page.locator(".arrow.waiting").count() == 0
    assert page.locator(".arrow .rule").filter(has_text="40 gradients").count() == 1
    page.locator(".box.closed", has_text=re.compile("Sequential|model")).click()
    page.locator(".box.closed", has_text="Linear").first.focus()
    assert not [rule for rule in page.locator(".arrow .rule").all_text_contents() if "@" in rule]
    assert overlapping(page) == []


def test_an_arrow_of_a_closed_group_is_as_wide_as_its_sum(opened):
    class Parts(nn.Module):
        def forward(self, x):
            return x * 0.01 + x * 10

    a = leaf(2.0)
    picture = viz.draw(Parts()(a.sin()), collapse="Parts")
    (whole,) = [arrow for arrow in picture.drawing.arrows if "∂Parts" in arrow.lines[0]]
    page = opened(picture)
    shown = page.locator(".arrow", has_text="∂Parts").locator(".line").first
    assert float(shown.get_attribute("stroke-width")) == pytest.approx(theme.line_width(whole.weight), abs=0.01)


@pytest.mark.parametrize("make", [mlp, often, unrolled])
def test_a_forward_page_tells_of_no_gradients(opened, make):
    page = opened(make(lambda loss, **how: viz.draw(loss, "forward", **how)))
    for button in ("#close", "#open"):
        page.locator(button).click()
        told = page.locator(".box").evaluate_all("all => all.map(b => b.getAttribute('aria-label')).join('\\n')")
        assert "hands" not in told
        assert "∂" not in told


def test_a_closed_group_names_what_is_drawn_elsewhere(opened):
    """A weight that is used often has no arrows but notes, and these go when the group around them is closed."""
    player = often()
    page = opened(player)
    assert page.locator(".box.note").count() == 14
    page.locator("#last").click()
    page.locator(".group").nth(1).focus()
    page.keyboard.press("Enter")
    shut = page.locator(".box.closed")
    assert {"→ 0.weight", "→ 0.bias"} <= set(shut.locator("text").all_text_contents())
    handed = [h for frame in player.frames for h in frame.handed if h.rule == "Σ₀(g)"]
    said = re.search(r"hands g · ∂\w+/∂bias to 0\.bias: = (\[.*?\])", shut.get_attribute("aria-label"))
    assert said[1] in [h.part.text for h in handed]
    for member in page.locator(".box").all():
        assert ",," not in member.get_attribute("aria-label")  # from one row to the next


@pytest.mark.parametrize("show", [viz.step, viz.draw])
def test_each_gradient_that_a_closed_group_gets_is_seen(opened, show):
    """Alike, but two: as one arrow they would look like half of what arrives."""
    ag.manual_seed(0)
    layer = nn.Linear(2, 1)
    z = layer(ag.ones(1, 2))
    page = opened(show((z + z).sum()))
    page.locator("#close").click()
    page.keyboard.press("End")
    labels = page.locator(".arrow.backward").evaluate_all(
        "all => all.map(arrow => [...arrow.querySelectorAll('text')].map(t => t.textContent).join(' '))"
    )
    assert labels.count("g = [[1]]") == 2


def test_what_a_box_will_say_has_room(opened):
    w = leaf([-0.0001234, -0.0001235, -0.0001236, -0.0001237])
    page = opened(viz.step((w * w * w * w).sum(), names={"w": w}))
    for _ in range(8):
        assert overlapping(page) == []
        page.keyboard.press("ArrowRight")


# ---------------------------------------------------------------------- places


def random_drawing(seed):
    """Boxes in groups in groups, and arrows between any of them."""
    chance = Random(seed)
    groups = []
    for k in range(chance.randrange(6)):
        groups.append(Group(f"g{k}", "group " * chance.randrange(4), chance.choice([None, *(g.id for g in groups)])))
    kinds = ["operation", "parameter", "sum", "note"]
    homes = [None, *(g.id for g in groups)]
    count = chance.randrange(1, 14)
    boxes = [
        Box(f"b{k}", chance.choice(kinds), "box" * chance.randrange(5), ("(2, 3)",) * chance.randrange(3), chance.choice(homes))
        for k in range(count)
    ]
    arrows = []
    for _ in range(chance.randrange(2 * count)):
        source, target = chance.choices(boxes, k=2)
        if source is not target:
            arrows.append(Arrow(source.id, target.id, ("g · x",) * chance.randrange(3), chance.choice(["forward", "backward"])))
    return Drawing("", tuple(boxes), tuple(arrows), tuple(groups))


def told_to_page(drawing):
    """For each level what the page's layout is given, and where the built-in layout puts everything, both as plain data."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', to_html(Page(drawing, closed=())))[1])
    _, solved = solve(drawing)
    groups = [None, *(group.id for group in drawing.groups)]
    rows = {group.id: measure.extent(measure.group_rows(group)) for group in drawing.groups}
    texts = [[k, measure.label_size(arrow)] for k, arrow in enumerate(drawing.arrows)]
    around = lambda r: [r.x, r.y, r.width, r.height]
    given, expected = [], []
    for group, level in zip(groups, data["levels"]):
        own = solved[group]
        items = []
        for member, item in zip(level["members"], own.layers.items):
            pins = None if member >= 0 else list(solved[groups[-member]].pins.items())
            items.append({"w": item.width, "h": item.height, "kind": item.kind, "pins": pins})
        given.append([level, items, texts, rows.get(group, (0, 0)), 0 if group is None else theme.GROUP_PAD])
        placed = own.placed
        expected.append(
            {
                "size": [placed.width, placed.height],
                "rectangles": [around(r) for r in placed.items],
                "lines": {str(arrow): [list(point) for point in placed.lines[line]] for arrow, line in own.lines.items()},
                "texts": {str(arrow): around(placed.texts[line]) for arrow, line in own.lines.items()},
                "pins": {str(arrow): at for arrow, at in own.pins.items()},
            }
        )
    return data["sizes"], given, expected


PLACES = """([source, sizes, levels]) => {
  const placeLevel = new Function('sizes', `${source}; return placeLevel`)(sizes);
  const around = r => [r.x, r.y, r.w, r.h], apart = (p, k, all) => !k || p[0] !== all[k - 1][0] || p[1] !== all[k - 1][1];
  return levels.map(([level, items, labels, heading, pad]) => {
    const read = items.map(item => ({...item, pins: item.pins && new Map(item.pins)}));
    const made = placeLevel(level, read, new Map(labels), heading, pad);
    const plain = (map, of) => Object.fromEntries([...map].map(([k, v]) => [k, of(v)]));
    return {
      size: [made.width, made.height], rectangles: made.rectangles.map(around), texts: plain(made.texts, around),
      lines: plain(made.lines, points => points.filter(apart)), pins: plain(made.pins, at => at),
    };
  });
}"""


def flat(value):
    """Plain data as a list of numbers and of what stands between them."""
    if isinstance(value, dict):
        return [part for key in sorted(value) for part in (key, *flat(value[key]))]
    return [part for each in value for part in ("[", *flat(each), "]")] if isinstance(value, list) else [value]


def test_the_page_puts_everything_where_the_built_in_layout_does(page):
    """The page has a layout of its own, for boxes that open and close. With everything open the two give the same places."""
    source = files("viz").joinpath("player", "assets", "places.js").read_text("utf-8")
    drawings = [make().drawing for make in (shared, mlp, transformer)] + [random_drawing(seed) for seed in range(60)]
    for drawing in drawings:
        sizes, given, expected = told_to_page(drawing)
        made = page.evaluate(PLACES, [source, sizes, given])
        for own, other in zip(map(flat, made), map(flat, expected), strict=True):
            assert [x for x in own if isinstance(x, str)] == [x for x in other if isinstance(x, str)]
            numbers = [[x for x in side if not isinstance(x, str)] for side in (own, other)]
            assert numbers[0] == pytest.approx(numbers[1], abs=1e-6)


# ---------------------------------------------------------------------- looking around


def scale(page):
    return float(re.search(r"scale\(([\d.]+)\)", page.locator("#world").get_attribute("transform"))[1])


def test_of_a_wide_picture_the_output_is_in_sight_at_first(page):
    """Next to it stand weights that are used so often that no arrow leads to them."""
    weights = [Box(f"w{k}", "parameter", f"a weight with a long name {k}") for k in range(12)]
    boxes = (Box("a", "operation", "step"), Box("b", "output", "loss"), *weights)
    page.set_content(to_html(Page(Drawing("wide", boxes, (Arrow("b", "a", ("g",), "backward"),)))))
    at = page.locator(".box.output").bounding_box()
    assert at["x"] >= 0
    assert at["x"] + at["width"] <= 1200


def test_zoom_pan_and_fit(opened):
    page = opened(mlp())
    before = scale(page)
    page.keyboard.press("+")
    assert scale(page) > before
    page.keyboard.press("-")
    assert scale(page) == pytest.approx(before, rel=1e-3)
    page.mouse.move(600, 300)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(100)
    assert scale(page) > before
    at = page.locator("#world").get_attribute("transform")
    page.mouse.move(30, 300)
    page.mouse.down()
    page.mouse.move(130, 340)
    page.mouse.up()
    moved = page.locator("#world").get_attribute("transform")
    place = lambda text: [float(n) for n in re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", text).groups()]
    assert [b - a for a, b in zip(place(at), place(moved))] == pytest.approx([100, 40], abs=1)
    page.locator("#fit").click()
    stage, world = page.locator("#stage").bounding_box(), page.locator("#world").bounding_box()
    assert world["x"] >= stage["x"]
    assert world["x"] + world["width"] <= stage["x"] + stage["width"]
    assert world["y"] >= stage["y"] - 1
    assert world["y"] + world["height"] <= stage["y"] + stage["height"] + 1


def test_two_fingers_zoom(opened, open_page):
    phone = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    opened(mlp(), phone)
    before = scale(phone)
    at = phone.locator("#stage").bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    fingers = phone.context.new_cdp_session(phone)
    touch = lambda kind, apart: fingers.send(
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []},
    )
    touch("touchStart", 30)
    for apart in (40, 50, 60):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    assert scale(phone) == pytest.approx(2 * before, rel=0.05)
    assert phone.locator("#tip").is_hidden()


def test_without_motion_the_picture_jumps(opened, open_page):
    page = open_page(viewport={"width": 900, "height": 600}, reduced_motion="reduce")
    opened(transformer(), page)
    page.evaluate("document.getElementById('last').click()")
    stage, now = page.locator("#stage").bounding_box(), page.locator(".box.now").bounding_box()
    assert stage["y"] <= now["y"] <= stage["y"] + stage["height"]


def test_the_step_is_kept_in_sight(opened):
    page = opened(transformer())
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    stage, now = page.locator("#stage").bounding_box(), page.locator(".box.now").bounding_box()
    assert stage["x"] <= now["x"]
    assert now["x"] + now["width"] <= stage["x"] + stage["width"]
    assert stage["y"] <= now["y"]
    assert now["y"] + now["height"] <= stage["y"] + stage["height"]


def test_search_goes_from_match_to_match_and_opens_what_is_closed(opened):
    page = opened(mlp())
    page.locator("#close").click()
    page.keyboard.press("/")
    page.keyboard.type("2.weight")
    assert page.locator("#found").inner_text() == "1 found"
    page.keyboard.press("Enter")
    assert page.locator(".match .title").text_content() == "2.weight"
    assert page.locator(".box:focus .title").text_content() == "2.weight"
    page.locator("#query").fill("linear")
    page.locator("#next").click()
    first = page.locator("#found").inner_text()
    page.keyboard.press("n")
    second = page.locator("#found").inner_text()
    page.keyboard.press("Shift+N")
    assert [first, second, page.locator("#found").inner_text()] == [first, first.replace("1 of", "2 of"), first]
    page.locator("#query").fill("one_hot(target)")  # a formula
    assert page.locator("#found").inner_text() == "1 found"
    page.locator("#query").fill("nothing of the kind")
    assert page.locator("#found").inner_text() == "none"


def test_pointing_and_focus_tell_all(opened):
    page = opened(mlp())
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.locator("#fit").click()
    box(page, "relu").hover()
    text = tip.inner_text()
    assert "relu" in text
    assert "(5, 3), float32" in text
    assert "in 1" in text
    assert "no gradient yet" in text
    page.mouse.move(5, 400)
    assert tip.is_hidden()
    page.keyboard.press("End")
    page.locator("#help").focus()
    page.keyboard.press("Tab")
    seen = []
    for _ in range(40):
        if tip.is_visible():
            seen.append(tip.locator(".name").inner_text())
        page.keyboard.press("Tab")
    assert {"relu", "2.weight", "0.bias"} <= set(seen)


def test_a_click_keeps_what_is_told_and_the_line_can_be_copied(opened):
    page = opened(mlp())
    page.locator("#fit").click()
    box(page, "relu").click()
    page.mouse.move(5, 400)
    tip = page.locator("#tip")
    assert re.search(r"made at .*test_player_browser\.py:\d+", tip.inner_text())
    assert tip.locator("a").count() == 0
    tip.locator("button").click()
    expect(tip.locator("button")).to_have_text("Copied")
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_line_can_be_reached_by_keys(opened):
    page = opened(mlp())
    box(page, "relu").focus()
    page.keyboard.press("Enter")
    assert page.locator("#tip button:focus").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    assert page.locator(".box:focus .title").text_content() == "relu"


def test_the_line_is_a_link_where_asked_for(opened):
    with viz.record():
        loss = leaf(2.0) * leaf(3.0)
    page = opened(viz.step(loss, link="vscode"))
    page.locator("#fit").click()
    box(page, "loss = mul").click()
    assert page.locator("#tip a").get_attribute("href").startswith("vscode://file/")


# ---------------------------------------------------------------------- readers


def test_dark_and_light(opened, open_page):
    page = opened(shared())
    ground = lambda p: p.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground(page) == "rgb(255, 255, 255)"
    page.locator("#theme").click()
    dark = ground(page)
    assert dark != "rgb(255, 255, 255)"
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.keyboard.press("t")
    assert ground(page) == "rgb(255, 255, 255)"
    assert ground(opened(shared(), open_page(color_scheme="dark"))) == dark


def test_a_phone(opened, open_page):
    phone = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    opened(transformer(), phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.locator("#forth").tap()
    assert phone.locator("#counter").inner_text().startswith("step 1 ")
    phone.wait_for_timeout(300)
    phone.locator(".box.now").tap()
    assert phone.locator("#tip").is_visible()
    tip = phone.locator("#tip").bounding_box()
    assert tip["x"] >= 0
    assert tip["x"] + tip["width"] <= 360
    for button in phone.locator("button:visible").all():
        size = button.bounding_box()
        assert size["x"] >= 0
        assert size["x"] + size["width"] <= 360
        assert size["height"] >= 26
    assert phone.locator("#stage").bounding_box()["height"] > 250
    phone.evaluate("document.getElementById('counter').textContent = 'step 1000 of 3000'")
    slider, counter = phone.locator("#slider").bounding_box(), phone.locator("#counter").bounding_box()
    assert slider["y"] <= counter["y"] + counter["height"] / 2 <= slider["y"] + slider["height"]
    phone.set_viewport_size({"width": 740, "height": 360})  # turned
    assert phone.evaluate("document.documentElement.scrollWidth") <= 740
    assert phone.locator("#stage").bounding_box()["height"] > 200


def test_everything_has_a_role_and_a_name(opened):
    page = opened(mlp())
    assert page.locator("button:visible").evaluate_all("all => all.every(b => (b.getAttribute('aria-label') || b.textContent).trim())")
    assert page.locator(".box").evaluate_all("all => all.every(b => b.getAttribute('role') && b.getAttribute('aria-label'))")
    assert page.locator("#says").get_attribute("aria-live") == "polite"
    assert page.locator("#slider").get_attribute("aria-label")
    page.locator("#help").click()
    assert "Keys" in page.locator("#about").inner_text()


def test_it_shows_in_a_notebook_s_frame(page):
    page.set_content(shared()._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("#forth").click()
    assert frame.locator("#counter").inner_text() == "step 1 of 5"


def test_a_picture_is_a_page_without_steps(opened):
    ag.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    picture = viz.draw(model(ag.randn(5, 4)).square().sum())
    page = opened(picture)
    assert page.locator("#player").is_hidden()
    assert page.locator(".box").count() == len(picture.drawing.boxes)
    assert page.locator(".waiting").count() == 0
    page.locator("#close").click()
    assert page.locator(".box.closed").count() == 1
    assert overlapping(page) == []


# ---------------------------------------------------------------------- names that want to break it


def test_hostile_names_are_text(page):
    boxes, arrows, groups = [], [], []
    for k, name in enumerate(HOSTILE.values()):
        boxes += [
            Box(f"a{k}", "operation", name, (name,), f"g{k}"),
            Box(f"b{k}", "parameter", name, (), f"g{k}"),
            Box(f"c{k}", "input", "c"),
        ]
        arrows += [Arrow(f"a{k}", f"b{k}", (name, name), "backward"), Arrow(f"c{k}", f"a{k}", (name,))]
        groups.append(Group(f"g{k}", name))
    drawing = Drawing("".join(HOSTILE.values()), tuple(boxes), tuple(arrows), tuple(groups), tuple(HOSTILE.values()))
    page.set_content(to_html(Page(drawing, closed=())))
    assert page.locator(".box").count() == len(boxes)
    page.locator(".box").first.focus()
    page.locator("#close").click()
    assert page.locator(".box").count() == 2 * len(HOSTILE)
    for name in ("script", "quotes", "prototype"):
        page.locator("#query").fill(HOSTILE[name])
        page.locator("#query").press("Enter")
    page.locator("#help").click()
    assert page.locator("script").count() == 2
    assert page.locator("img, iframe, a").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_titles_stay_titles(name):
    class Reader(HTMLParser):
        tags: list[str] = []

        def handle_starttag(self, tag, attributes):
            self.tags = [*self.tags, tag]

    seen = [Reader(), Reader()]
    for reader, title in zip(seen, (name, "plain")):
        reader.feed(to_html(Page(Drawing(title, (Box("a", "operation", title, (title,)),), (), (), (title,)))))
    assert seen[0].tags == seen[1].tags


def test_hostile_names_in_a_player(page):
    names = {f"{k} {name}": leaf(1.0 + k) for k, name in enumerate(HOSTILE.values())}
    loss = sum(value * value for value in names.values())
    player = viz.step(loss, names=names, title=HOSTILE["end of a script"])
    page.set_content(player.to_html())
    page.locator("#slider").fill(str(len(player.frames) - 1 - len(names)))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    last = len(player.frames) - 1
    assert page.locator("#counter").inner_text() == f"step {last} of {last}"
    assert page.locator("script").count() == 2
    assert page.locator("img, iframe, a").count() == 0
