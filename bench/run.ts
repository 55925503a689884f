import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { clearAway, type Contender, contenders } from './contenders.js';
import { openDatabase } from './database.js';
import { ensureLineitem } from './lineitem/table.js';
import { type Measured, measureProcesses } from './measured-process.js';

/*
 * `npm run bench -- [--rows N] [--url URL | --data DIR] [--runs N] [--json FILE]`: the lineitem table out of PostgreSQL
 * into Parquet on disk, whole processes, each contender once a round, so that a slow minute of the machine meets all.
 * Without --url an embedded PostgreSQL is started; --data keeps its table for the next time.
 */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '6000000' },
    runs: { type: 'string', default: '3' },
    url: { type: 'string' },
    data: { type: 'string' },
    json: { type: 'string' },
  },
});

const PAGE_BYTES = 8192;
const rows = Number(values.rows);

const database = await openDatabase(values);
try {
  const bytes = await ensureLineitem(database.url, rows, (line) => console.log(line));
  console.log(`${os.cpus().length} cores (${os.cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`);
  const { list, directory } = contenders({ url: database.url, pages: Math.ceil(bytes / PAGE_BYTES) });
  // Keeps the benchmark's runs out of the user's run log.
  process.env['XDG_STATE_HOME'] = directory;
  try {
    report(list, await measure(list));
  } finally {
    clearAway(directory);
  }
} finally {
  await database.stop();
}

interface Outcome {
  readonly runs: readonly Measured[];
  readonly written: number | undefined;
}

/** The first round is not counted: it warms the caches of server and system. */
async function measure(list: readonly Contender[]): Promise<Outcome[]> {
  const runs = list.map((): Measured[] => []);
  const [first] = list;
  if (first !== undefined) await measureProcesses(first.commands);
  for (let round = 1; round <= Number(values.runs); round++) {
    console.log(`round ${round} of ${values.runs}`);
    for (const [i, contender] of list.entries()) runs[i]?.push(await measureProcesses(contender.commands));
  }
  return list.map((contender, i) => ({ runs: runs[i] ?? [], written: contender.written() }));
}

function report(list: readonly Contender[], outcomes: readonly Outcome[]): void {
  const seconds = outcomes.map(({ runs }) => median(runs.map((run) => run.seconds)));
  const floor = list[0]?.name.startsWith('floor') === true ? seconds[0] : undefined;
  console.log(
    ['', 'SECONDS', 'MIN–MAX', 'ROWS/S', '× FLOOR', 'PEAK MB', 'WRITTEN MB'].map((cell, i) => pad(cell, i)).join('  '),
  );
  const lines = list.map(({ name }, i) => {
    const { runs = [], written } = outcomes[i] ?? {};
    const all = runs.map((run) => run.seconds);
    const middle = seconds[i] ?? NaN;
    const peaks = runs.flatMap((run) => run.peakBytes ?? []);
    return {
      name,
      seconds: middle,
      min: Math.min(...all),
      max: Math.max(...all),
      rowsPerSecond: Math.round(rows / middle),
      timesFloor: floor === undefined ? undefined : middle / floor,
      peakMegabytes: peaks.length === 0 ? undefined : Math.max(...peaks) / 1e6,
      writtenMegabytes: written === undefined ? undefined : written / 1e6,
    };
  });
  for (const line of lines) {
    const cells = [
      line.name,
      line.seconds.toFixed(2),
      `${line.min.toFixed(2)}–${line.max.toFixed(2)}`,
      line.rowsPerSecond.toLocaleString('en'),
      line.timesFloor?.toFixed(2) ?? '',
      line.peakMegabytes?.toFixed(0) ?? '',
      line.writtenMegabytes?.toFixed(1) ?? '',
    ];
    console.log(cells.map((cell, i) => pad(cell, i)).join('  '));
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows, lines }, undefined, 2)}\n`);
}

function pad(cell: string, column: number): string {
  return column === 0 ? cell.padEnd(30) : cell.padStart(11);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
