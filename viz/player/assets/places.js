// Where the layers of one level come to lie, for the boxes that are seen: the scheme of coordinates.py. The layers
// and the order in them come with the page; here places on the boxes where lines begin, then across, then down, then lines.

const LINE_GAP = 9, SPREAD = 15, CLOSEST = 11, INERTIA = 1e-3, BEND = 8, ONWARD = 1.5, STRAIGHT = 0.01;
const isPin = node => node.kind === 'top' || node.kind === 'bottom';
const isBox = node => node.kind === 'box' || node.kind === 'round';

// items: {w, h, kind, pins}, one for each member; pins says for each arrow where it meets an open group's frame, from the middle.
// labels: for each arrow that is seen [width, height] of its text. Returns sizes, rectangles, and points by arrow.
function placeLevel(level, items, labels, heading, pad) {
  const net = netOf(level, items, labels);
  spreadEnds(net);
  const across = acrossOf(net);
  gather(net, across);
  straighten(net, across);
  let left = 0, right = 0, first = true;
  net.rows.flat().forEach(node => {
    const [from, to] = [across[node] - net.nodes[node].w / 2, across[node] + net.nodes[node].w / 2];
    [left, right, first] = first ? [from, to, false] : [Math.min(left, from), Math.max(right, to), false];
  });
  if (heading[0]) {
    net.rows.flat().forEach(node => {
      if (net.nodes[node].kind === 'top') left = Math.min(left, across[node] - heading[0] - sizes.pad);
    });
    right = Math.max(right, left + heading[0]);
  }
  for (let k = 0; k < across.length; k++) across[k] += pad - left;
  const {tops, heights, height} = downOf(net, across, heading[1], pad);
  const width = right - left + 2 * pad;
  const rectangles = net.nodes.slice(0, net.count).map((node, k) => stand(net, k, across[k], tops, heights, height));
  const lines = new Map(), texts = new Map(), pins = new Map();
  net.links.forEach(link => {
    lines.set(link.arrow, lineOf(net, link, across, rectangles, tops, heights));
    const node = net.nodes[link.knot], layer = net.rank[link.knot];
    texts.set(link.arrow, {x: across[link.knot] - node.w / 2, y: tops[layer] + (heights[layer] - node.h) / 2, w: node.w, h: node.h});
    if (link.pin !== null) pins.set(link.arrow, rectangles[link.pin].x - width / 2);
  });
  return {width, height, rectangles, lines, texts, pins};
}

function netOf(level, items, labels) {
  const nodes = items.map(item => ({w: item.w, h: item.h, kind: item.kind}));
  const ends = level.lines.map(([arrow, ...members]) => members.map((member, side) => {
    if (member >= 0) return {node: member, at: items[member].pins ? items[member].pins.get(arrow) : null, pin: false};
    nodes.push({w: 0, h: 0, kind: side ? 'bottom' : 'top'});
    return {node: nodes.length - 1, at: 0, pin: true};
  }));
  const count = nodes.length, rank = [];
  level.rows.forEach((row, layer) => row.forEach(node => { rank[node] = layer; }));
  const alive = nodes.map(node => !isPin(node)), source = nodes.map(() => true), segments = [], links = [];
  ends.forEach(([, lower]) => { source[lower.node] = false; });
  level.lines.forEach(([arrow], k) => {
    const [upper, lower] = ends[k], seen = labels.has(arrow);
    const top = rank[upper.node], bottom = rank[lower.node];
    let middle = Math.floor((top + bottom) / 2);
    middle -= 1 - middle % 2;
    const through = upper.pin || lower.pin, label = through || !seen ? [0, 0] : labels.get(arrow);
    const worth = through ? 4 : source[upper.node] ? 1 : bottom - top === 2 ? 4 : 2;
    const link = {arrow, chain: [], knot: -1, pin: upper.pin ? upper.node : lower.pin ? lower.node : null};
    let at = upper.node, offset = upper.at;
    if (seen) alive[upper.node] = alive[lower.node] = true;
    for (let layer = top + 1; layer <= bottom; layer++) {
      let following = lower.node, reached = lower.at;
      if (layer < bottom) {
        following = nodes.length;
        reached = 0;
        if (layer === middle) link.knot = following;
        nodes.push(layer === middle ? {w: label[0], h: label[1], kind: 'knot'} : {w: 0, h: 0, kind: 'knot'});
        alive[following] = seen;
      }
      if (seen) {
        link.chain.push(segments.length);
        const inner = (at >= count) + (following >= count);
        segments.push({upper: at, lower: following, upperAt: offset || 0, lowerAt: reached || 0, weight: worth * (inner + 1)});
      }
      at = following;
      offset = 0;
    }
    if (seen) links.push(link);
  });
  const up = nodes.map(() => []), down = nodes.map(() => []);
  segments.forEach((segment, k) => { down[segment.upper].push(k); up[segment.lower].push(k); });
  const rows = level.rows.map(row => row.filter(node => alive[node]));
  const emptied = rows.map((row, layer) => !row.length && level.rows[layer].length > 0);  // its lines end at closed boxes now
  return {nodes, count, rank, rows, emptied, segments, links, up, down};
}

function spreadEnds(net) {
  const where = [];
  net.rows.forEach(row => row.forEach((node, k) => { where[node] = k; }));
  for (let k = 0; k < net.count; k++) {
    const item = net.nodes[k];
    if (!isBox(item)) continue;
    let reach = 0;
    for (const above of [true, false]) {
      const found = (above ? net.up : net.down)[k].map(s => net.segments[s]);
      found.sort((a, b) => where[above ? a.upper : a.lower] - where[above ? b.upper : b.lower]);
      const heaviest = Math.max(0, ...found.map(s => s.weight));
      const main = found.flatMap((s, place) => s.weight === heaviest ? [place] : []);
      const middle = main.length ? main.reduce((a, b) => a + b) / main.length : 0;
      const step = Math.min(SPREAD, Math.max(CLOSEST, roomOn(item) / Math.max(middle, found.length - 1 - middle, 0.5)));
      found.forEach((segment, place) => {
        const offset = (place - middle) * step;
        reach = Math.max(reach, Math.abs(offset));
        segment[above ? 'lowerAt' : 'upperAt'] = offset;
      });
    }
    item.w = Math.max(item.w, item.kind === 'round' ? reach / 0.36 : 2 * (reach + sizes.corner + 3));
  }
}

const roomOn = item => item.kind === 'round' ? 0.36 * item.w : item.w / 2 - sizes.corner - 3;

function straighten(net, across) {
  for (let k = 0; k < net.count; k++) {
    const item = net.nodes[k];
    if (!isBox(item)) continue;
    const room = roomOn(item);
    for (const above of [true, false]) {
      const own = above ? 'lowerAt' : 'upperAt', other = above ? 'upper' : 'lower';
      const found = (above ? net.up : net.down)[k].map(s => net.segments[s]).sort((a, b) => a[own] - b[own]);
      const last = found.length - 1, step = last > 0 ? Math.min(CLOSEST, 2 * room / last) : 0;
      const wishes = found.map((s, place) => [[across[s[other]] + s[other + 'At'] - across[k] - place * step, s.weight]]);
      pool(wishes).forEach((wish, place) => {
        found[place][own] = Math.min(Math.max(wish, -room), room - last * step) + place * step;
      });
    }
  }
}

// Moves what no line holds next to its neighbours.
function gather(net, across) {
  for (const row of net.rows) for (const sign of [1, -1]) {
    const order = sign > 0 ? row : row.slice().reverse();
    order.forEach((node, k) => {
      if (k && !net.up[node].length && !net.down[node].length) {
        across[node] = across[order[k - 1]] + sign * distance(net.nodes[order[k - 1]], net.nodes[node]);
      }
    });
  }
}

function acrossOf(net) {
  const apart = net.rows.map(row => {
    let at = 0;
    return row.map((node, k) => k ? (at += distance(net.nodes[row[k - 1]], net.nodes[node])) : 0);
  });
  const across = net.nodes.map(() => 0);
  net.rows.forEach((row, r) => row.forEach((node, k) => { across[node] = apart[r][k] - apart[r].at(-1) / 2; }));
  const strain = () => net.segments.reduce((sum, s) => {
    const swing = Math.abs(across[s.upper] + s.upperAt - across[s.lower] - s.lowerAt);
    return sum + s.weight * (swing + Math.min(swing, BEND));  // one wide swing is less than many small ones
  }, 0);
  let best = across.slice(), least = strain(), stale = 0;
  const sweeps = 12;
  for (let sweep = 0; sweep < sweeps && stale <= 5; sweep++) {
    const downward = sweep % 2 === 0, both = sweep >= sweeps / 2;
    const order = net.rows.map((_, r) => r);
    (downward ? order : order.reverse()).forEach(r => settle(net, net.rows[r], apart[r], across, downward, both));
    const now = strain();
    stale++;
    if (now < least - 1e-6) [best, least, stale] = [across.slice(), now, 0];
  }
  return best;
}

function distance(left, right) {
  const bare = (left.w === 0) + (right.w === 0);
  return (left.w + right.w) / 2 + (bare === 0 ? sizes.boxGap : bare === 1 ? sizes.boxGap * 0.7 : LINE_GAP);
}

function settle(net, row, offsets, across, downward, both) {
  const wishes = row.map((node, k) => {
    const wish = [], onward = node >= net.count ? ONWARD : 1;  // a line goes on straight, where it could as well have bent before
    if (downward || both) for (const i of net.up[node]) {
      const s = net.segments[i];
      wish.push([across[s.upper] + s.upperAt - s.lowerAt - offsets[k], s.weight * (downward ? onward : 1)]);
    }
    if (!downward || both) for (const i of net.down[node]) {
      const s = net.segments[i];
      wish.push([across[s.lower] + s.lowerAt - s.upperAt - offsets[k], s.weight * (downward ? 1 : onward)]);
    }
    return wish.length ? wish : [[across[node] - offsets[k], INERTIA]];
  });
  pool(wishes).forEach((place, k) => { across[row[k]] = place + offsets[k]; });
}

// Places in rising order, as near as possible to what each wishes: a list of places with weights.
function pool(wishes) {
  const blocks = [], rising = (a, b) => a[0] - b[0] || a[1] - b[1];
  for (const wish of wishes) {
    let own = wish.slice().sort(rising), block = {place: median(own), own, count: 1};
    while (blocks.length && blocks.at(-1).place > block.place) {
      const before = blocks.pop();
      own = before.own.concat(block.own).sort(rising);
      block = {place: median(own), own, count: block.count + before.count};
    }
    blocks.push(block);
  }
  return blocks.flatMap(block => Array(block.count).fill(block.place));
}

function median(wishes) {
  const half = wishes.reduce((sum, wish) => sum + wish[1], 0) / 2;
  let sum = 0;
  for (let k = 0; k < wishes.length; k++) {
    sum += wishes[k][1];
    if (sum === half && k + 1 < wishes.length) return (wishes[k][0] + wishes[k + 1][0]) / 2;
    if (sum >= half) return wishes[k][0];
  }
  return wishes.at(-1)[0];
}

function downOf(net, across, heading, pad) {
  const heights = net.rows.map(row => Math.max(0, ...row.map(node => net.nodes[node].h)));
  const swing = heights.map(() => 0), tops = [];
  net.segments.forEach(s => {
    const layer = net.rank[s.upper];
    swing[layer] = Math.max(swing[layer], Math.abs(across[s.upper] + s.upperAt - across[s.lower] - s.lowerAt));
  });
  let at = pad;
  heights.forEach((own, layer) => {
    let height = own;
    if (layer === 0 && heading) {
      at = pad - 3;
      height = heights[0] = Math.max(height, heading);
    }
    tops.push(at);
    at += height;
    if (layer + 1 === heights.length || net.emptied[layer]) return;
    const bare = !height + !heights[layer + 1] + (layer === 0);
    const wide = Math.min(8 + (bare < 2 ? 10 : 0) + 0.2 * swing[layer], 48);
    at += Math.max(sizes.layerGap * [1, 0.7, 0.3, 0][bare], swing[layer] > STRAIGHT ? wide : 0);
  });
  return {tops, heights, height: at + pad};
}

function stand(net, k, x, tops, heights, height) {
  const item = net.nodes[k], layer = net.rank[k];
  if (isPin(item)) return {x, y: item.kind === 'top' ? 0 : height, w: 0, h: 0};
  const gives = net.down[k].length > 0, takes = net.up[k].length > 0;
  const share = gives === takes ? 0.5 : gives ? 1 : 0;
  return {x: x - item.w / 2, y: tops[layer] + (heights[layer] - item.h) * share, w: item.w, h: item.h};
}

function lineOf(net, link, across, rectangles, tops, heights) {
  const first = net.segments[link.chain[0]], last = net.segments[link.chain.at(-1)];
  const upper = rectangles[first.upper], lower = rectangles[last.lower], layer = net.rank[first.upper];
  let x = across[first.upper] + first.upperAt;
  const points = [[x, upper.y + upper.h - dip(net.nodes[first.upper], first.upperAt)], [x, tops[layer] + heights[layer]]];
  for (const index of link.chain.slice(0, -1)) {
    const knot = net.segments[index].lower, top = tops[net.rank[knot]];
    points.push([across[knot], top], [across[knot], top + heights[net.rank[knot]]]);
  }
  x = across[last.lower] + last.lowerAt;
  points.push([x, tops[net.rank[last.lower]]], [x, lower.y + dip(net.nodes[last.lower], last.lowerAt)]);
  return points;
}

// How far a round box's outline lies inside its rectangle, so far from its middle.
const dip = (item, offset) => item.kind === 'round' ? item.h / 2 * (1 - Math.sqrt(Math.max(0, 1 - (2 * offset / item.w) ** 2))) : 0;
