import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { clearAway, type Contender, contenders } from './contenders.js';
import { openDatabase, usesTls } from './database.js';
import { type Measured, measureProcesses } from './measured-process.js';
import { type BenchTable, ensureTable, indexOrders, TABLES } from './tables.js';

/*
 * `npm run bench -- [--tables NAME,…|all] [--methods] [--tls] [--rows N] [--url URL | --data DIR] [--contenders 'TEXT|…'] [--runs N]
 * [--json FILE]`: tables out of PostgreSQL into Parquet on disk, lineitem unless others are named. With --contenders only
 * those whose name contains one of the texts, in any case, and the floor. Whole processes, their processor time beside the
 * time on the clock; --methods compares the partition methods on lineitem instead of other programs; each contender once a round, so that a slow minute of the machine meets all. Without --url an embedded
 * PostgreSQL is started; --data keeps its tables for the next time.
 */

const { values } = parseArgs({
  options: {
    tables: { type: 'string', default: 'lineitem' },
    tls: { type: 'boolean', default: false },
    rows: { type: 'string', default: '6000000' },
    contenders: { type: 'string', default: '' },
    methods: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    url: { type: 'string' },
    data: { type: 'string' },
    json: { type: 'string' },
  },
});

const names = values.tables === 'all' ? TABLES.map(({ name }) => name) : values.tables.split(',');
const chosen = names.map((name) => {
  const table = TABLES.find((one) => one.name === name);
  if (table === undefined) throw new Error(`no table ${name}: there are ${TABLES.map((one) => one.name).join(', ')}`);
  return table;
});

const database = await openDatabase(values);
try {
  const transport = (await usesTls(database.url)) ? 'TLS' : 'no TLS';
  console.log(`${os.cpus().length} cores (${os.cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, ${transport}`);
  const results = [];
  for (const table of chosen) results.push(await benchTable(table, transport));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
} finally {
  await database.stop();
}

async function benchTable(table: BenchTable, transport: string) {
  const { rows, pages } = await ensureTable(database.url, table, Number(values.rows), (line) => console.log(line));
  console.log(`\n${table.name}: ${rows.toLocaleString('en')} rows; ${table.about}; ${transport}`);
  const { list: all, directory } = contenders({
    url: database.url,
    table: table.name,
    pages,
    methods: values.methods,
  });
  if (values.methods) await indexOrders(database.url);
  const wanted = values.contenders.toLowerCase().split('|');
  const list = all.filter(({ name }, i) => i === 0 || wanted.some((text) => name.toLowerCase().includes(text)));
  // Keeps the benchmark's runs out of the user's run log.
  process.env['XDG_STATE_HOME'] = directory;
  try {
    return { table: table.name, rows, transport, lines: report(list, await measure(list), rows) };
  } finally {
    clearAway(directory);
  }
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

function report(list: readonly Contender[], outcomes: readonly Outcome[], rows: number) {
  const seconds = outcomes.map(({ runs }) => median(runs.map((run) => run.seconds)));
  const floor = list[0]?.name.startsWith('floor') === true ? seconds[0] : undefined;
  console.log(
    ['', 'CPU S', 'SECONDS', 'MIN–MAX', 'ROWS/S', '× FLOOR', 'PEAK MB', 'WRITTEN MB']
      .map((cell, i) => pad(cell, i))
      .join('  '),
  );
  const lines = list.map(({ name }, i) => {
    const { runs = [], written } = outcomes[i] ?? {};
    const all = runs.map((run) => run.seconds);
    const middle = seconds[i] ?? NaN;
    const cpu = runs.flatMap((run) => run.cpuSeconds ?? []);
    const peaks = runs.flatMap((run) => run.peakBytes ?? []);
    return {
      name,
      cpuSeconds: cpu.length === 0 ? undefined : median(cpu),
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
      line.cpuSeconds?.toFixed(2) ?? '',
      line.seconds.toFixed(2),
      `${line.min.toFixed(2)}–${line.max.toFixed(2)}`,
      line.rowsPerSecond.toLocaleString('en'),
      line.timesFloor?.toFixed(2) ?? '',
      line.peakMegabytes?.toFixed(0) ?? '',
      line.writtenMegabytes?.toFixed(1) ?? '',
    ];
    console.log(cells.map((cell, i) => pad(cell, i)).join('  '));
  }
  return lines;
}

function pad(cell: string, column: number): string {
  return column === 0 ? cell.padEnd(30) : cell.padStart(11);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
