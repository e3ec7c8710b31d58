// What is seen while some groups are closed: which boxes, which arrows between them, where, and how they are drawn.

const data = JSON.parse(document.getElementById('data').textContent);
const {sizes, styles} = data;
const {boxes, groups, arrows, frames} = data;
const HEAD = 6, HEAD_MORE = 1.9, STEM = 3, HANDLE = 20;

groups.forEach((group, g) => {
  group.around = [];
  for (let at = g; at >= 0; at = groups[at].parent) group.around.push(at);
  group.depth = group.around.length - 1;
});
const deepestFirst = groups.map((_, g) => g).sort((a, b) => groups[b].depth - groups[a].depth);
boxes.forEach(box => { box.around = box.group < 0 ? [] : groups[box.group].around; });

// The outermost closed group around a box as -1 - its number, or the box's own number.
function seenFor(k) {
  const shut = boxes[k].around.filter(g => groups[g].closed);
  return shut.length ? -1 - shut.at(-1) : k;
}

// The arrows that are seen. Those of one value between the same two are one where a closed group uses it: what each hands back
// goes into the sum that the group hands on.
function seenArrows() {
  const found = new Map();
  arrows.forEach((arrow, k) => {
    const source = seenFor(arrow.source), target = seenFor(arrow.target);
    if (source === target) return;
    const user = arrow.kind === 'backward' ? source : target;
    const key = JSON.stringify([source, target, arrow.kind, arrow.value, user < 0 ? '' : k]);
    if (found.has(key)) found.get(key).all.push(k);
    else found.set(key, {number: k, source, target, all: [k]});
  });
  const bundles = new Map(), seen = new Map();
  for (const one of found.values()) {
    const {kind} = arrows[one.number], owner = kind === 'backward' ? one.target : one.source;
    const ends = JSON.stringify([one.source, one.target, kind, owner < 0 ? '' : one.number]);
    if (bundles.has(ends)) bundles.get(ends).push(one);
    else bundles.set(ends, [one]);
  }
  for (const bundle of bundles.values()) {
    if (bundle.length > data.many) seen.set(bundle[0].number, {...bundle[0], ...several(bundle)});
    else for (const one of bundle) seen.set(one.number, {...one, ...sayingOf(one)});
  }
  return seen;
}

// Many values of a closed group that one other uses share an arrow.
function several(bundle) {
  const {kind} = arrows[bundle[0].number], said = bundle.map(sayingOf), steps = said.flatMap(one => one.told || []).map(([step]) => step);
  return {
    weight: Math.max(...said.map(one => one.weight)), accent: said.map(one => one.accent).find(Boolean) || '',
    rule: [`${bundle.length} ${kind === 'backward' ? 'gradients' : 'values'}`], told: steps.length ? [[Math.min(...steps), []]] : null, always: [], size: [110, 18],
  };
}

// How an arrow is drawn and what stands at it: of a closed group, what it hands on as a whole.
function sayingOf(one) {
  const arrow = arrows[one.number];
  const crossing = one.source < 0 && arrow.kind === 'backward' ? groups[-1 - one.source].crossings[arrow.value] : undefined;
  if (crossing) return crossing;
  const {weight, accent, rule, told, always, size} = arrow;
  if (one.all.length === 1 || arrow.kind !== 'backward') return {weight, accent, rule, told, always, size};
  const mark = accent ? `${styles.accents[accent][0]} ` : '';  // as Python puts it before a rule
  return {weight, accent, rule: [`${mark}${one.all.length} gradients`], told: null, always: [], size: [110, 18]};
}

// Where everything that is seen stands, in points from the upper left corner.
function arranged() {
  const seen = seenArrows(), solved = new Map();
  const labels = new Map([...seen].map(([k, one]) => [k, one.size]));
  const hidden = g => groups[g].around.some(at => groups[at].closed);
  for (const g of [...deepestFirst.filter(g => !hidden(g)), -1]) {
    const level = data.levels[g + 1];
    const items = level.members.map(member => {
      if (member >= 0) {
        const box = boxes[member];
        return {w: box.size[0], h: box.size[1], kind: styles.boxes[box.kind][0] === 'round' ? 'round' : 'box', pins: null};
      }
      const inner = -1 - member;
      if (groups[inner].closed) return {w: groups[inner].shut.size[0], h: groups[inner].shut.size[1], kind: 'box', pins: null};
      const {width, height, pins} = solved.get(inner);
      return {w: width, h: height, kind: 'group', pins};
    });
    const own = new Map(level.lines.filter(([arrow]) => labels.has(arrow)).map(([arrow]) => [arrow, labels.get(arrow)]));
    solved.set(g, placeLevel(level, items, own, g < 0 ? [0, 0] : [groups[g].heading[0] + HANDLE, groups[g].heading[1]], g < 0 ? 0 : sizes.pad));
  }
  return assembled(seen, solved);
}

function assembled(seen, solved) {
  const origins = new Map([[-1, [0, 0]]]), places = new Map(), ways = new Map(), texts = new Map();
  for (const g of [-1, ...deepestFirst.filter(g => solved.has(g)).reverse()]) {
    const [x, y] = origins.get(g), {rectangles, lines, texts: written} = solved.get(g), level = data.levels[g + 1];
    const moved = r => ({x: r.x + x, y: r.y + y, w: r.w, h: r.h});
    level.members.forEach((member, k) => {
      const at = moved(rectangles[k]);
      places.set(member, at);
      if (member < 0) origins.set(-1 - member, [at.x, at.y]);
    });
    for (const [arrow, upper, lower] of level.lines) {
      if (!lines.has(arrow)) continue;
      const piece = lines.get(arrow).map(([px, py]) => [px + x, py + y]), way = ways.get(arrow) || [];
      ways.set(arrow, lower < 0 ? piece.concat(way) : way.concat(piece));
      if (upper >= 0 && lower >= 0 && written.get(arrow).w) texts.set(arrow, moved(written.get(arrow)));
    }
  }
  const {width, height} = solved.get(-1);
  return {seen, places, ways, texts, width, height};
}

// ---------------------------------------------------------------------- drawing

function element(name, attributes, parent) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

const short = value => String(Math.round(value * 100) / 100);
const dashes = line => line.length ? line.join(' ') : null;

// Lines of text below each other; returns where the next would begin.
function write(parent, lines, x, top, size, kind, anchor = 'middle') {
  for (const line of lines) {
    const height = size * sizes.line;
    const text = element('text', {x: short(x), y: short(top + height / 2 + 0.36 * size), class: kind, 'text-anchor': anchor}, parent);
    text.textContent = line;
    top += height;
  }
  return top;
}

function outline(shape, at, attributes, parent) {
  const {x, y, w, h} = at;
  if (shape === 'round') return element('ellipse', {cx: x + w / 2, cy: y + h / 2, rx: w / 2, ry: h / 2, ...attributes}, parent);
  if (shape === 'folded') {
    const d = `M${x} ${y}H${x + w - 8}L${x + w} ${y + 8}V${y + h}H${x}ZM${x + w - 8} ${y}V${y + 8}H${x + w}`;
    return element('path', {d, ...attributes}, parent);
  }
  return element('rect', {x, y, width: w, height: h, rx: shape === 'square' ? 0 : sizes.corner, ...attributes}, parent);
}

function drawBox(member, at, layer) {
  const box = member >= 0 ? boxes[member] : groups[-1 - member].shut;
  const [shape, ownWidth, ownLine] = styles.boxes[box.kind];
  const mark = box.accent ? styles.accents[box.accent] : null;
  const line = mark ? mark[3] : box.order ? [5, 3] : ownLine, width = mark ? mark[2] : ownWidth;
  const made = element('g', {class: `box ${box.kind}${box.accent ? ' accent' : ''}`, tabindex: 0, 'data-member': member}, layer);
  const inks = `--fill:var(--fill-${box.kind});--stroke:var(--${box.accent ? `ink-${box.accent}` : `stroke-${box.kind}`})`;
  for (const pair of inks.split(';')) made.style.setProperty(...pair.split(/:(.*)/s).slice(0, 2));
  let front = at;
  if (shape === 'stack') {
    front = {...at, h: at.h - sizes.sheet};
    outline('rounded', {x: at.x + sizes.sheet, y: at.y + at.h / 2, w: at.w - 2 * sizes.sheet, h: at.h / 2}, {class: 'outline behind', 'stroke-width': ownWidth}, made);
  }
  outline(shape, front, {class: 'outline', 'stroke-width': width, 'stroke-dasharray': dashes(line)}, made);
  if (shape === 'double' || box.order) {
    const gap = 1.8 + width / 2, inner = {x: front.x + gap, y: front.y + gap, w: front.w - 2 * gap, h: front.h - 2 * gap};
    outline(shape === 'double' ? 'rounded' : shape, inner, {class: 'inline', 'stroke-width': Math.min(width, 1.2), 'stroke-dasharray': dashes(line)}, made);
  }
  const grows = member < 0 ? Math.min(frames.length, 1) : box.kind === 'parameter' ? Math.max(0, ...box.changes.map(([, , says]) => says.length)) : 0;
  const rows = (box.title.length * sizes.title + (box.lines.length + box.below.length + grows) * sizes.small) * sizes.line;
  const spark = box.spark.length ? sizes.sparkHeight + sizes.sparkGap : 0, x = at.x + at.w / 2;
  let top = front.y + (front.h - rows - spark) / 2;
  top = write(made, box.title, x, top, sizes.title, 'title');
  top = write(made, box.lines, x, top, sizes.small, 'small');
  if (grows) {
    made.said = element('g', {class: 'said'}, made);
    made.x = x;
    made.below = top;
    top += grows * sizes.small * sizes.line;
  }
  if (spark) drawCurve(made, box, x, top += spark);
  write(made, box.below, x, top, sizes.small, 'small');
  made.badge = element('g', {class: 'badge', transform: `translate(${short(front.x + front.w)} ${short(front.y)})`}, made);
  return made;
}

function drawCurve(parent, box, x, bottom) {
  let left = x - box.spark.length * box.bar / 2;
  for (const [low, high, kind] of box.spark) {
    const y = bottom - high * sizes.sparkHeight, height = Math.max(1, (high - low) * sizes.sparkHeight);
    if (kind === 'zero') element('circle', {cx: left + box.bar / 2, cy: bottom - low * sizes.sparkHeight - 2, r: 2, class: 'inline'}, parent);
    else element('rect', {x: left + 0.5, y: short(y), width: box.bar - 1, height: short(height), class: kind === 'value' ? 'bar' : 'inline'}, parent);
    left += box.bar;
  }
}

function drawGroup(g, at, layer) {
  const group = groups[g], [width, line, stacked, tinted] = styles.groups[group.kind];
  const made = element('g', {class: 'group', 'data-group': g, tabindex: 0, role: 'button', 'aria-expanded': 'true'}, layer);
  made.setAttribute('aria-label', `${group.name}: close`);
  made.style.setProperty('--fill', tinted ? 'var(--tint)' : `var(--ground-${group.depth % 2})`);
  if (stacked) outline('rounded', {x: at.x + sizes.sheet, y: at.y + at.h / 2, w: at.w - 2 * sizes.sheet, h: at.h / 2 + sizes.sheet}, {class: 'frame', 'stroke-width': width}, made);
  outline('rounded', at, {class: 'frame', 'stroke-width': width, 'stroke-dasharray': dashes(line)}, made);
  const head = element('g', {class: 'heading'}, made);
  const wide = Math.min(at.w - 8, group.heading[0] + HANDLE + 8);
  outline('rounded', {x: at.x + 4, y: at.y + 4, w: wide, h: group.heading[1] + 6}, {class: 'handle'}, head);
  const end = write(head, group.label, at.x + sizes.pad, at.y + sizes.pad - 3, sizes.heading, 'label', 'start');
  write(head, ['−'], at.x + sizes.pad + group.heading[0] + HANDLE / 2, end - sizes.heading * sizes.line, sizes.heading, 'label', 'middle');
  return made;
}

function drawArrow(one, points, text, layer) {
  const arrow = arrows[one.number], open = styles.arrows[arrow.kind], mark = one.accent ? styles.accents[one.accent] : null;
  const width = Math.max(one.weight, mark ? mark[2] : 0), made = element('g', {class: `arrow ${arrow.kind}`, 'data-arrow': one.number}, layer);
  made.style.setProperty('--line', `var(--${one.accent ? `ink-${one.accent}` : `arrow-${arrow.kind}`})`);
  made.style.setProperty('--ink', `var(--ink-${one.accent || arrow.kind})`);
  const way = points.filter((p, k) => k === 0 || p[0] !== points[k - 1][0] || p[1] !== points[k - 1][1]);
  if (one.downward) way.reverse();
  const tip = way[0], sign = one.downward ? 1 : -1, length = Math.min(HEAD + HEAD_MORE * width, sizes.layerGap - 2);
  const base = [tip[0], tip[1] - sign * length * (open ? 0.3 : 0.85)], bend = tip[1] - sign * (length + STEM);
  while (way.length > 2 && Math.abs(way[1][0] - tip[0]) < 0.01 && sign * (way[1][1] - bend) > 0) way.splice(1, 1);
  way.splice(0, 1, base, [tip[0], sign > 0 ? Math.max(bend, way[1][1]) : Math.min(bend, way[1][1])]);
  if (one.downward) way.reverse();
  for (const piece of brokenAt(way, text)) {
    element('path', {d: curve(piece), class: 'line', 'stroke-width': short(width), 'stroke-dasharray': dashes(mark ? mark[3] : [])}, made);
  }
  const half = length * (open ? 0.42 : 0.38), y = tip[1] - sign * length;
  const d = `M${short(tip[0] - half)} ${short(y)}L${short(tip[0])} ${short(tip[1])}L${short(tip[0] + half)} ${short(y)}`;
  element('path', open ? {d, class: 'line', 'stroke-width': Math.max(width, 1.1)} : {d: `${d}Z`, class: 'head'}, made);
  if (text) {
    const x = text.x + text.w / 2;
    made.below = write(made, one.rule, x, text.y + 1.5, sizes.rule, 'rule');
    made.below = write(made, one.always, x, made.below, sizes.told, 'told');
    made.told = element('g', {}, made);
    made.x = x;
  }
  return made;
}

function brokenAt(points, text) {
  if (!text) return [points];
  const x = text.x + text.w / 2;
  return [points.filter(p => p[1] < text.y).concat([[x, text.y]]), [[x, text.y + text.h]].concat(points.filter(p => p[1] > text.y + text.h))];
}

// A line through points: straight where x stays, a swing from vertical to vertical where it changes.
function curve(points) {
  let d = `M${short(points[0][0])} ${short(points[0][1])}`;
  for (let k = 1; k < points.length; k++) {
    const [x, y] = points[k - 1], [toX, toY] = points[k], middle = (y + toY) / 2;
    d += Math.abs(x - toX) < 0.01 ? `L${short(toX)} ${short(toY)}` : `C${[x, middle, toX, middle, toX, toY].map(short).join(' ')}`;
  }
  return d;
}
