// What a viewer asks for, as tables. Run by node itself (tests/rooms/test_layers.py).
import assert from "node:assert/strict";
import { test } from "node:test";
import { HIGH, LIMIT, LOW, MIDDLE, OFF, RATES, allot, begin, hold, judge, sending, wish, type Budget, type Link } from "../../frontend/src/room/layers.ts";

const calm: Omit<Link, "at"> = { received: 2000, lost: 0, rtt: 30, concealed: 0 };

function after(budget: Budget, seconds: number, link: Omit<Link, "at">, short = true, from = 0): Budget {
  for (let n = 1; n <= seconds; n++) budget = judge(budget, { ...link, at: from + n * 1000 }, short);
  return budget;
}

test("what fits is given, the largest picture first", () => {
  const big = { name: "big", height: 900, layered: true };
  const small = { name: "small", height: 150, layered: true };
  const plain = { name: "plain", height: 300, layered: false };
  const hidden = { name: "hidden", height: 0, layered: true };
  const table: [number, (typeof big)[], number[], boolean][] = [
    [0, [big], [OFF], true],
    [LIMIT - 1, [big, small], [OFF, OFF], true],
    [LIMIT, [big], [LOW], true],
    [LIMIT, [small, big], [OFF, LOW], true],
    [LIMIT + 60, [small, big], [LOW, LOW], true],
    [RATES[MIDDLE], [big], [MIDDLE], true],
    [RATES[HIGH], [big], [HIGH], false],
    [RATES[HIGH], [big, small], [MIDDLE, LOW], true],
    [RATES[HIGH] + RATES[LOW], [big, small], [HIGH, LOW], false],
    [RATES[HIGH] + RATES[MIDDLE], [big, plain], [HIGH, MIDDLE], false],
    [400, [big, plain], [LOW, OFF], true],
    [20000, [hidden, big], [OFF, HIGH], false],
    [20000, [], [], false],
  ];
  for (const [kbps, pictures, layers, short] of table) {
    const got = allot(kbps, pictures);
    assert.deepEqual([...got.layers.values()], layers, `${kbps} ${pictures.map((one) => one.name)}`);
    assert.equal(got.short, short, `${kbps} ${pictures.map((one) => one.name)}`);
  }
});

test("a picture is asked for as it is shown", () => {
  const table: [number, boolean, number][] = [
    [0, true, OFF],
    [0, false, OFF],
    [120, true, LOW],
    [300, true, MIDDLE],
    [720, true, HIGH],
    [720, false, MIDDLE],
  ];
  for (const [height, layered, layer] of table) assert.equal(wish({ name: "", height, layered }), layer);
});

test("a calm link is tried for more, only when more is wanted", () => {
  assert.ok(after(begin(0), 20, calm).kbps > 2 * begin(0).kbps);
  assert.equal(after(begin(0), 20, calm, false).kbps, begin(0).kbps);
  assert.equal(after(begin(0), 20, { ...calm, lost: 0.05 }).kbps, begin(0).kbps, "a little loss: neither more nor less");
});

test("loss, delay and a broken voice each take from it, down to voices alone", () => {
  const table: Omit<Link, "at">[] = [
    { ...calm, received: 800, lost: 0.2 },
    { ...calm, received: 800, concealed: 0.3 },
  ];
  for (const link of table) {
    const once = after(begin(0), 1, link);
    assert.ok(once.kbps < 800, "below what came through");
    assert.ok(after(begin(0), 30, { ...link, received: 100 }).kbps < LIMIT);
  }
  let budget = after(begin(0), 3, calm, false);
  budget = after(budget, 1, { ...calm, received: 900, rtt: 900 }, true, 3000);
  assert.equal(budget.kbps, 540);
  assert.equal(after(budget, 2, { ...calm, received: 900, rtt: 900 }, true, 4000).kbps, 540, "what was cut must show first");
});

test("what failed is tried again later and later, and what held sooner", () => {
  const bad = { ...calm, received: 300, lost: 0.3 };
  let budget = begin(0);
  const waits: number[] = [];
  let now = 0;
  for (let round = 0; round < 6; round++) {
    const tried = budget.tried;
    while (budget.tried === tried && now < 600_000) budget = judge(budget, { ...calm, received: 300, at: (now += 1000) }, true);
    budget = judge(budget, { ...bad, at: (now += 3000) }, true);
    waits.push(budget.wait);
  }
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
  assert.ok(waits[5] >= 30_000 && waits[5] <= 60_000);
  const well = after(budget, 900, calm, true, now);
  assert.ok(well.wait < waits[5]);
});

test("from voices alone one small picture is tried", () => {
  const low: Budget = { kbps: 100, base: 30, wait: 2000, tried: 0, cut: 0 };
  const found = after(low, 3, { ...calm, received: 35 });
  assert.equal(found.kbps, LIMIT);
  assert.equal(allot(found.kbps, [{ name: "a", height: 700, layered: true }]).layers.get("a"), LOW);
});

test("one's own pictures stop for the voice, and come back by trying", () => {
  let held = sending(0);
  const run = (room: number, from: number, to: number): void => {
    for (let at = from; at <= to; at += 1000) held = hold(held, room, at);
  };
  run(0, 0, 9000);
  assert.equal(held.off, false, "nobody knows");
  run(LIMIT - 1, 10_000, 12_000);
  assert.equal(held.off, false, "a moment only");
  run(LIMIT, 13_000, 14_000);
  run(LIMIT - 1, 15_000, 18_000);
  assert.equal(held.off, true);
  run(LIMIT - 1, 19_000, 27_000);
  assert.equal(held.off, true);
  run(LIMIT - 1, 28_000, 28_000);
  assert.equal(held.off, false, "tried");
  run(LIMIT - 1, 29_000, 32_000);
  assert.deepEqual([held.off, held.wait], [true, 20_000], "later the next time");
  run(3000, 52_000, 52_000);
  run(3000, 53_000, 120_000);
  assert.deepEqual([held.off, held.wait], [false, 10_000], "and as at first once it held");
});
