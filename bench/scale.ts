import { parseArgs } from 'node:util';

/*
 * `npm run bench:scale -- [--tb N] [--tables N] [--largest SHARE] [--source-gbps N] [--slots N] [--reader-mbps N]
 * [--network-gbits N] [--slice-gb N] [--lost-hours N] [--noticed-seconds N]`: simulates runs on 1 to 16 machines. One table has
 * the largest share of the data, the sizes of the others are lognormal. Slices are read largest first by any free slot; all
 * that read share what the source and their machine's network give. Nothing is exported.
 */

const { values } = parseArgs({
  options: {
    tb: { type: 'string', default: '10' },
    tables: { type: 'string', default: '2000' },
    largest: { type: 'string', default: '0.4' },
    'source-gbps': { type: 'string', default: '6' },
    slots: { type: 'string', default: '8' },
    'reader-mbps': { type: 'string', default: '90' },
    'network-gbits': { type: 'string', default: '10' },
    'slice-gb': { type: 'string', default: '1' },
    'lost-hours': { type: 'string', default: '0' },
    'noticed-seconds': { type: 'string', default: '12' },
  },
});

const GB = 1e9;

interface Fleet {
  readonly machines: number;
  readonly slots: number;
  /** Bytes a second: of the source in all, of a machine's network, of a reader. */
  readonly source: number;
  readonly network: number;
  readonly reader: number;
  /** Mean time until a machine is lost, in seconds; Infinity for never. A new one takes its place. */
  readonly lostAfter: number;
  readonly noticedAfter: number;
}

interface Reading {
  readonly machine: number;
  readonly bytes: number;
  left: number;
}

const fleet: Omit<Fleet, 'machines'> = {
  slots: Number(values.slots),
  source: Number(values['source-gbps']) * GB,
  network: (Number(values['network-gbits']) * GB) / 8,
  reader: Number(values['reader-mbps']) * 1e6,
  lostAfter: Number(values['lost-hours']) === 0 ? Infinity : Number(values['lost-hours']) * 3600,
  noticedAfter: Number(values['noticed-seconds']),
};

const slices = sliceSizes();
process.stdout.write(`${slices.length} slices of at most ${values['slice-gb']} GB\n`);
for (const machines of [1, 2, 4, 8, 16]) {
  const { seconds, again } = simulate(slices, { ...fleet, machines });
  const lost = fleet.lostAfter === Infinity ? '' : `, ${(again / GB).toFixed(0)} GB read again`;
  process.stdout.write(`${String(machines).padStart(2)} machines: ${shownTime(seconds)}${lost}\n`);
}

/** Largest first. */
function sliceSizes(): number[] {
  const random = numbers(1);
  const total = Number(values.tb) * 1e12;
  const share = Number(values.largest);
  const weights = Array.from({ length: Number(values.tables) }, () => Math.exp(1.5 * normal(random)));
  const sum = weights.reduce((a, b) => a + b, 0);
  const tables = [total * share, ...weights.map((weight) => (total * (1 - share) * weight) / sum)];
  const most = Number(values['slice-gb']) * GB;
  return tables
    .flatMap((bytes) => {
      const count = Math.max(1, Math.ceil(bytes / most));
      return Array.from({ length: count }, () => bytes / count);
    })
    .sort((a, b) => b - a);
}

/** Event by event: the end of a slice, the loss of a machine, or the moment at which that is noticed. */
function simulate(sizes: readonly number[], options: Fleet): { readonly seconds: number; readonly again: number } {
  const random = numbers(2);
  const waiting = [...sizes].reverse();
  const returning: { readonly at: number; readonly bytes: number }[] = [];
  let reading: Reading[] = [];
  let now = 0;
  let again = 0;
  const nextLoss = () => (options.lostAfter / options.machines) * -Math.log(1 - random());
  let lossAt = options.lostAfter === Infinity ? Infinity : nextLoss();
  for (;;) {
    for (let machine = 0; machine < options.machines; machine++) {
      let busy = reading.filter((one) => one.machine === machine).length;
      for (; busy < options.slots && waiting.length > 0; busy++) {
        const bytes = waiting.pop() ?? 0;
        reading.push({ machine, bytes, left: bytes });
      }
    }
    if (reading.length === 0 && returning.length === 0) return { seconds: now, again };
    const rates = ratesOf(reading, options);
    const ends = reading.map(({ left }, index) => left / (rates[index] ?? 1));
    const noticedAt = Math.min(Infinity, ...returning.map(({ at }) => at));
    const step = Math.min(...ends, lossAt - now, noticedAt - now);
    reading.forEach((one, index) => (one.left -= (rates[index] ?? 0) * step));
    now += step;
    reading = reading.filter(({ left }) => left > 1);
    if (now >= lossAt) {
      const machine = Math.floor(random() * options.machines);
      for (const { bytes, left } of reading.filter((one) => one.machine === machine)) {
        returning.push({ at: now + options.noticedAfter, bytes });
        again += bytes - left;
      }
      reading = reading.filter((one) => one.machine !== machine);
      lossAt = now + nextLoss();
    }
    for (const { bytes } of returning.filter(({ at }) => at <= now)) waiting.push(bytes);
    returning.splice(0, returning.length, ...returning.filter(({ at }) => at > now));
  }
}

/** Bytes a second of each. */
function ratesOf(reading: readonly Reading[], { source, network, reader }: Fleet): number[] {
  const byMachine = new Map<number, number>();
  for (const { machine } of reading) byMachine.set(machine, (byMachine.get(machine) ?? 0) + 1);
  const own = reading.map(({ machine }) => Math.min(reader, network / (byMachine.get(machine) ?? 1)));
  const sum = own.reduce((a, b) => a + b, 0);
  const factor = Math.min(1, source / sum);
  return own.map((rate) => rate * factor);
}

/** Uniform in [0, 1), the same in each simulation (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function shownTime(seconds: number): string {
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
