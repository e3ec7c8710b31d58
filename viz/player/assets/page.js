// The page: stepping, looking around, searching, opening and closing, and what is told of a box.

const $ = id => document.getElementById(id);
const stage = $('stage'), picture = $('picture'), world = $('world'), tip = $('tip');
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const steps = frames.length - 1;
let scene, drawn = new Map(), lines = new Map(), frameOf = new Map(), leaving = new Map();
let step = 0, timer = 0, view = {x: 0, y: 0, scale: 1}, kept = false, pointed = null;

// ---------------------------------------------------------------------- steps

// For each group the steps that are taken inside.
const inside = groups.map(() => []);
frames.forEach(({box}, k) => { if (box >= 0) boxes[box].around.forEach(g => inside[g].push(k)); });
const upTo = (moments, k) => {
  let found = null;
  for (const moment of moments) if (moment[0] <= k) found = moment;
  return found;
};

// What a box's gradient has come to: [state, rows of words, badge].
function stateOf(member) {
  if (member < 0) {
    const own = inside[-1 - member], done = own.filter(k => k <= step).length;
    if (!own.length) return ['', [], ''];
    const words = done ? [`${done} of ${own.length} step${own.length === 1 ? '' : 's'} done`] : [];
    return [done === own.length ? 'done' : done ? 'part' : 'waiting', words, done === own.length ? '✓' : ''];
  }
  const changes = boxes[member].changes;
  if (!changes.length) return ['', [], ''];
  const now = upTo(changes, step);
  if (!now) return ['waiting', ['no gradient yet'], ''];
  const parts = /^(\d+) of (\d+)/.exec(now[2][0]);
  return [now[1], now[2], now[1] === 'done' ? '✓' : now[1] === 'ready' ? '●' : parts ? `${parts[1]}/${parts[2]}` : '…'];
}

function showStep() {
  const current = steps >= 0 && frames[step].box >= 0 ? seenFor(frames[step].box) : null;
  if (steps >= 0) for (const [member, made] of drawn) {
    const [state, rows, badge] = stateOf(member), look = [state, ...rows, badge, member === current].join('|');
    if (made.look === look) continue;
    made.look = look;
    made.classList.toggle('waiting', state === 'waiting');
    made.classList.toggle('now', member === current);
    made.dataset.state = state;
    if (made.said) {
      made.said.replaceChildren();
      write(made.said, state === 'waiting' ? [] : rows, made.x, made.below, sizes.small, 'small');
    }
    showBadge(made.badge, member === current ? '➤' : badge);
    made.setAttribute('aria-label', spoken(member));
  } else for (const [member, made] of drawn) made.setAttribute('aria-label', spoken(member));
  for (const [number, made] of lines) {
    const {told} = scene.seen.get(number);
    if (told === null) continue;
    const now = upTo(told, step), fresh = step > 0 && now !== null && now[0] === step;
    if (made.moment === now && made.fresh === fresh) continue;
    made.moment = now;
    made.fresh = fresh;
    made.classList.toggle('waiting', !now);
    made.classList.toggle('now', fresh);
    if (!made.told) continue;
    made.told.replaceChildren();
    if (now) write(made.told, now[1], made.x, made.below, sizes.told, 'told');
  }
  if (steps < 0) return;
  const {says} = frames[step];
  $('head').textContent = says[0];
  $('parts').replaceChildren(...says.slice(1).map(text => Object.assign(document.createElement('li'), {textContent: text})));
  $('says').scrollTop = 0;
  $('counter').textContent = `step ${step} of ${steps}`;
  $('slider').value = step;
  $('slider').setAttribute('aria-valuetext', `step ${step} of ${steps}: ${says[0]}`);
  if (pointed !== null) tell(pointed);
}

function showBadge(badge, text) {
  badge.replaceChildren();
  if (!text) return;
  const w = Math.max(17, text.length * 6.5 + 8);
  element('rect', {x: short(-w + 5), y: -8, width: short(w), height: 15, rx: 7.5}, badge);
  element('text', {x: short(5 - w / 2), y: 3.2}, badge).textContent = text;
}

function go(k, follow = true) {
  if (steps < 0) return;
  step = Math.min(Math.max(k, 0), steps);
  if (step === steps) pause();
  showStep();
  const box = frames[step].box;
  if (follow && $('follow').checked && box >= 0) reveal(seenFor(box));
}

function play() {
  if (step === steps) go(0);
  $('play').classList.add('playing');
  $('play').setAttribute('aria-label', 'Pause');
  const tick = () => {
    go(step + 1);
    if (timer) timer = setTimeout(tick, 1200 / Number($('speed').value));
  };
  timer = setTimeout(tick, 300);
}

function pause() {
  clearTimeout(timer);
  timer = 0;
  $('play').classList.remove('playing');
  $('play').setAttribute('aria-label', 'Play');
}

// ---------------------------------------------------------------------- the picture

function draw() {
  const focused = document.activeElement && document.activeElement.dataset ? {...document.activeElement.dataset} : {};
  scene = arranged();
  world.replaceChildren();
  drawn = new Map();
  lines = new Map();
  const layers = ['groups', 'arrows', 'boxes'].map(name => element('g', {class: name}, world));
  layers[1].setAttribute('aria-hidden', 'true');  // boxes tell what they hand on
  const shown = [...scene.places].filter(([member]) => member >= 0 || groups[-1 - member].closed);
  const open = [...scene.places].filter(([member]) => member < 0 && !groups[-1 - member].closed);
  open.sort(([a], [b]) => groups[-1 - a].depth - groups[-1 - b].depth);
  frameOf = new Map(open.map(([member, at]) => [-1 - member, drawGroup(-1 - member, at, layers[0])]));
  leaving = new Map([...scene.places.keys()].map(member => [member, []]));
  for (const one of scene.seen.values()) {
    if (arrows[one.number].kind === 'backward') leaving.get(one.source).push(one);
    one.downward = scene.places.get(one.target).y > scene.places.get(one.source).y;
    lines.set(one.number, drawArrow(one, scene.ways.get(one.number), scene.texts.get(one.number), layers[1]));
  }
  shown.sort(([, a], [, b]) => a.y - b.y || a.x - b.x);  // read from top to bottom
  for (const [member, at] of shown) {
    const made = drawBox(member, at, layers[2]);
    made.setAttribute('role', member < 0 ? 'button' : 'img');
    if (member < 0) made.setAttribute('aria-expanded', 'false');
    drawn.set(member, made);
  }
  showStep();
  markMatch();
  const again = focused.member !== undefined ? drawn.get(Number(focused.member)) : focused.group !== undefined ? frameOf.get(Number(focused.group)) : null;
  if (again) again.focus({preventScroll: true});
}

const nameOf = member => member < 0 ? groups[-1 - member].name : boxes[member].name;
const detailsOf = member => member < 0 ? groups[-1 - member].shut.lines : boxes[member].details;
const wordsOf = member => steps < 0 ? '' : stateOf(member)[1].join(' ');

// What a box hands on, and to whom; a closed group also to what is drawn elsewhere.
function handsOf(member) {
  const handed = leaving.get(member).map(one => [nameOf(one.target), one]);
  if (member < 0) {
    const values = new Set(leaving.get(member).map(one => arrows[one.number].value));
    for (const [value, crossing] of Object.entries(groups[-1 - member].crossings)) {
      if (!values.has(value) && crossing.to >= 0) handed.push([nameOf(crossing.to), crossing]);
    }
  }
  return handed.map(([to, {rule, always, told}]) => {
    const now = told === null ? null : upTo(told, step);
    const what = [rule, always].filter(rows => rows.length).map(rows => rows.join(' ')).join(', ');
    return `hands ${what} to ${to}${now && now[1].length ? `: ${now[1].join(' ')}` : ''}`;
  });
}

function spoken(member) {
  const name = member < 0 ? `${nameOf(member)}, closed: open` : `${boxes[member].kind} ${nameOf(member)}`;
  return [name, ...detailsOf(member), wordsOf(member), ...handsOf(member)].filter(Boolean).join('; ');
}

// Opens or closes a group; what was clicked stays where it is on the screen.
function toggle(g, closed = !groups[g].closed) {
  const before = placeOf(-1 - g);
  groups[g].closed = closed;
  forget();
  draw();
  const after = placeOf(-1 - g);
  if (before && after) {
    view.x += (before.x - after.x) * view.scale;
    view.y += (before.y - after.y) * view.scale;
  }
  look();
  const target = closed ? drawn.get(-1 - g) : frameOf.get(g);
  if (target) target.focus({preventScroll: true});
}

const placeOf = member => scene && scene.places.get(member);

function toggleAll(closed) {
  groups.forEach(group => { group.closed = closed; });
  forget();
  draw();
  begin();
}

// ---------------------------------------------------------------------- looking around

let gliding = 0;
function look(to = view, glide = false) {
  cancelAnimationFrame(gliding);
  const from = {...view}, start = performance.now();
  const set = now => {
    const t = glide && !calm.matches ? Math.min(1, (now - start) / 220) : 1, ease = t * (2 - t);
    for (const key of ['x', 'y', 'scale']) view[key] = from[key] + (to[key] - from[key]) * ease;
    world.setAttribute('transform', `translate(${view.x.toFixed(2)} ${view.y.toFixed(2)}) scale(${view.scale.toFixed(4)})`);
    if (t < 1) gliding = requestAnimationFrame(set);
  };
  to = {...to};
  set(start);
}

const extent = () => ({w: stage.clientWidth, h: stage.clientHeight});
const bounded = scale => Math.min(Math.max(scale, 0.02), 6);

function fit() {
  const {w, h} = extent(), room = 2 * sizes.margin;
  const scale = bounded(Math.min((w - room) / scene.width, (h - room) / scene.height, 1.6));
  look({x: (w - scene.width * scale) / 2, y: (h - scene.height * scale) / 2, scale});
}

// At first: all of it where that can be read, else what stands above the output, or around it where there are steps to take.
function begin() {
  fit();
  const least = 0.85, {w, h} = extent();
  if (view.scale >= least || !scene.places.size) return;
  const narrow = Math.min(Math.max((w - 2 * sizes.margin) / scene.width, least), 1);
  const y = steps >= 0 ? Math.min(0, h - sizes.margin - scene.height * narrow) : sizes.margin;
  const output = boxes.findIndex(box => box.kind === 'output'), box = output < 0 ? null : placeOf(seenFor(output));
  const wide = scene.width * narrow, middle = (box ? box.x + box.w / 2 : scene.width / 2) * narrow;
  const x = wide <= w ? (w - wide) / 2 : Math.min(sizes.margin, Math.max(w - sizes.margin - wide, w / 2 - middle));
  look({x, y, scale: narrow});
}

function zoom(factor, x = extent().w / 2, y = extent().h / 2) {
  const scale = bounded(view.scale * factor), real = scale / view.scale;
  look({x: x - (x - view.x) * real, y: y - (y - view.y) * real, scale});
}

// Moves the picture as little as it takes to see a box, with room around it.
function reveal(member, middle = false) {
  const at = placeOf(member);
  if (!at) return;
  const {w, h} = extent(), room = Math.min(90, w / 5, h / 5), scale = middle ? Math.max(view.scale, 0.8) : view.scale;
  const shift = (start, size, all, offset) => {
    const from = offset + start * scale, to = from + size * scale;
    if (middle || size * scale > all - 2 * room) return offset + all / 2 - (from + to) / 2;
    return offset + Math.max(0, room - from) - Math.max(0, to - (all - room));
  };
  look({x: shift(at.x, at.w, w, view.x), y: shift(at.y, at.h, h, view.y), scale}, true);
}

const pointers = new Map();
let pressed = null;
picture.addEventListener('pointerdown', event => {
  if (event.button) return;
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  pressed = {at: [event.clientX, event.clientY], moved: pointers.size > 1};
});
addEventListener('pointermove', event => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY], frame = stage.getBoundingClientRect();
  if (pointers.size === 1) {
    if (!pressed.moved && Math.hypot(now[0] - pressed.at[0], now[1] - pressed.at[1]) < 5) return;
    pressed.moved = true;
    picture.classList.add('moving');
    look({x: view.x + now[0] - before[0], y: view.y + now[1] - before[1], scale: view.scale});
  } else {
    pressed.moved = true;
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const apart = p => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    look({x: view.x + (now[0] - before[0]) / 2, y: view.y + (now[1] - before[1]) / 2, scale: view.scale});
    zoom(apart(now) / apart(before), (now[0] + other[0]) / 2 - frame.left, (now[1] + other[1]) / 2 - frame.top);
  }
  pointers.set(event.pointerId, now);
});
const release = event => {
  pointers.delete(event.pointerId);
  if (!pointers.size) picture.classList.remove('moving');
};
addEventListener('pointerup', release);
addEventListener('pointercancel', release);
picture.addEventListener('wheel', event => {
  event.preventDefault();
  const frame = stage.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.clientX - frame.left, event.clientY - frame.top);
}, {passive: false});

// ---------------------------------------------------------------------- what is told of a box

const memberAt = target => {
  const box = target.closest && target.closest('.box');
  return box ? Number(box.dataset.member) : null;
};

function tell(member, keep = kept) {
  const made = drawn.get(member);
  if (!made) return forget();
  pointed = member;
  kept = keep;
  const row = (text, kind) => Object.assign(document.createElement('p'), {textContent: text, className: kind || ''});
  const words = wordsOf(member), told = [row(nameOf(member), 'name'), ...detailsOf(member).map(text => row(text))];
  if (words) told.push(row(words, 'state'));
  told.push(...handsOf(member).map(text => row(text)));
  if (member >= 0 && boxes[member].line) told.push(lineRow(boxes[member]));
  tip.replaceChildren(...told);
  tip.classList.toggle('kept', kept);
  tip.hidden = false;
  const frame = stage.getBoundingClientRect(), at = made.getBoundingClientRect(), gap = 10;
  const w = tip.offsetWidth, h = tip.offsetHeight, within = (value, room) => Math.max(8, Math.min(value, room - 8));
  const below = at.bottom - frame.top + gap, above = at.top - frame.top - h - gap;
  const fits = below + h < frame.height || above > 0, right = at.right - frame.left + gap;
  const side = right + w < frame.width ? right : at.left - frame.left - w - gap;
  tip.style.left = `${within(fits ? at.left - frame.left : side, frame.width - w)}px`;
  tip.style.top = `${within(!fits ? at.top - frame.top : below + h < frame.height ? below : above, frame.height - h)}px`;
}

function lineRow(box) {
  const row = document.createElement('p'), code = document.createElement('code'), copy = document.createElement('button');
  code.textContent = box.line;
  const link = /^(vscode|file):\/\//.test(box.address) ? Object.assign(document.createElement('a'), {href: box.address}) : null;
  if (link) link.append(code);
  copy.type = 'button';
  copy.textContent = 'Copy';
  copy.setAttribute('aria-label', `Copy ${box.line}`);
  copy.addEventListener('click', () => copied(box.line, code, copy));
  row.append('made at ', link || code, copy);
  return row;
}

async function copied(text, code, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // not allowed in this frame: mark it, and ask the old way
    getSelection().selectAllChildren(code);
    document.execCommand('copy');
  }
  button.textContent = 'Copied';
}

function forget() {
  pointed = null;
  kept = false;
  tip.hidden = true;
}

picture.addEventListener('pointerover', event => {
  const member = memberAt(event.target);
  if (event.pointerType === 'mouse' && member !== null && !kept && !pointers.size) tell(member, false);
});
picture.addEventListener('pointerout', event => {
  if (event.pointerType === 'mouse' && !kept && memberAt(event.relatedTarget || stage) !== pointed) forget();
});
picture.addEventListener('focusin', event => {
  const member = memberAt(event.target);
  if (member === null || !event.target.matches(':focus-visible')) return;
  reveal(member);
  tell(member, false);
});
picture.addEventListener('focusout', () => { if (!kept) forget(); });
picture.addEventListener('click', event => {
  if (pressed && pressed.moved) return;
  const heading = event.target.closest('.heading'), member = memberAt(event.target);
  if (heading) toggle(Number(heading.parentNode.dataset.group));
  else if (member !== null && member < 0) toggle(-1 - member);
  else if (member !== null) kept && pointed === member ? forget() : tell(member, true);
  else forget();
});

// ---------------------------------------------------------------------- searching

let matches = [], match = -1;
const haystack = boxes.map(box => [box.name, ...box.title, ...box.details, box.line]);
arrows.forEach(arrow => haystack[arrow.source].push(arrow.rule.join(' ')));
const sought = [
  ...boxes.map((box, k) => ({member: k, text: haystack[k].join('\n').toLowerCase()})),
  ...groups.map((group, g) => ({member: -1 - g, text: group.name.toLowerCase()})),
].filter(({member}) => member < 0 || boxes[member].kind !== 'note');

function search() {
  const text = $('query').value.trim().toLowerCase();
  matches = text ? sought.filter(one => one.text.includes(text)).map(one => one.member) : [];
  match = -1;
  $('found').textContent = text ? (matches.length ? `${matches.length} found` : 'none') : '';
  markMatch();
}

function jump(by) {
  if (!matches.length) return;
  match = match < 0 ? (by > 0 ? 0 : matches.length - 1) : (match + by + matches.length) % matches.length;
  const member = matches[match], around = member >= 0 ? boxes[member].around : groups[-1 - member].around.slice(1);
  $('found').textContent = `${match + 1} of ${matches.length}`;
  if (around.some(g => groups[g].closed)) {
    around.forEach(g => { groups[g].closed = false; });
    draw();
  }
  markMatch();
  reveal(member, true);
  const target = drawn.get(member) || frameOf.get(-1 - member);
  if (target) target.focus({preventScroll: true});
  if (drawn.has(member)) tell(member, false);
}

function markMatch() {
  for (const [member, made] of drawn) made.classList.toggle('match', match >= 0 && member === matches[match]);
}

// ---------------------------------------------------------------------- buttons and keys

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  $('theme').setAttribute('aria-pressed', String(name === 'dark'));
}
const otherTheme = () => setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');

function help() {
  $('about').hidden = !$('about').hidden;
  $('help').setAttribute('aria-expanded', String(!$('about').hidden));
  look();
}

const actions = {
  out: () => zoom(1 / 1.3), in: () => zoom(1.3), fit, theme: otherTheme, help,
  open: () => toggleAll(false), close: () => toggleAll(true),
  first: () => { pause(); go(0); }, back: () => { pause(); go(step - 1); }, forth: () => { pause(); go(step + 1); },
  last: () => { pause(); go(steps); }, play: () => timer ? pause() : play(), previous: () => jump(-1),
};
for (const [id, action] of Object.entries(actions)) $(id).addEventListener('click', action);
$('slider').addEventListener('input', () => { pause(); go(Number($('slider').value)); });
$('query').addEventListener('input', search);
$('search').addEventListener('submit', event => { event.preventDefault(); jump(1); });

const keys = {
  ArrowRight: 'forth', ArrowLeft: 'back', PageDown: 'forth', PageUp: 'back', Home: 'first', End: 'last', ' ': 'play', '+': 'in', '=': 'in', '-': 'out', 0: 'fit', t: 'theme', '?': 'help',
};
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target, typing = target.id === 'query';
  if (event.key === 'Escape') {
    if (tip.contains(target) && drawn.has(pointed)) drawn.get(pointed).focus({preventScroll: true});
    forget();
    if (typing) target.blur();
    return;
  }
  if (typing || target.tagName === 'SELECT') return;
  if (event.key === 'Enter' && target.dataset && (target.dataset.group !== undefined || Number(target.dataset.member) < 0)) {
    toggle(target.dataset.group !== undefined ? Number(target.dataset.group) : -1 - Number(target.dataset.member));
  } else if (event.key === 'Enter' && target.dataset && target.dataset.member !== undefined) {
    tell(Number(target.dataset.member), true);
    const inside = tip.querySelector('a, button');
    if (inside) inside.focus();
  } else if (event.key === 'Enter' && target.tagName === 'A') {
    return;
  } else if (event.key === ' ' && (target.tagName === 'BUTTON' || target.type === 'checkbox')) {
    return;
  } else if (event.key === '/') {
    $('query').focus();
    $('query').select();
  } else if (event.key === 'n' || event.key === 'N') {
    jump(event.key === 'n' ? 1 : -1);
  } else if (Object.hasOwn(keys, event.key)) {
    actions[keys[event.key]]();
  } else return;
  event.preventDefault();
});

// ---------------------------------------------------------------------- the beginning

$('title').textContent = data.title.join(' ');
const about = [...data.caption, ...data.legend];
if (steps >= 0) about.push('Pale: no gradient yet. 1/2: one of two parts is in. ●: all parts are in. ➤: this step. ✓: handed on.');
if (!boxes.some(box => box.line)) about.push('Which line of the program made a box is told where the forward pass ran inside viz.record().');
about.push('Keys: ' + (steps >= 0 ? '← → step, as do Page Up and Page Down, Home and End, Space plays; ' : '') + '+ − 0 zoom, / searches, n and N go from match to match, Tab goes from box to box, Enter opens and closes, t dark or light, ? this text.');
$('about').replaceChildren(...about.map(text => Object.assign(document.createElement('p'), {textContent: text})));
$('player').hidden = steps < 0;
$('slider').max = Math.max(steps, 0);
for (const id of ['open', 'close']) $(id).hidden = !groups.length;
setTheme(document.documentElement.dataset.theme === 'auto' ? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light') : document.documentElement.dataset.theme);
draw();
begin();
let width = stage.clientWidth;
new ResizeObserver(() => { if (Math.abs(stage.clientWidth - width) > 40) { width = stage.clientWidth; begin(); } }).observe(stage);
