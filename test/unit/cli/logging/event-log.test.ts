import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Redactor } from '../../../../src/auth/redaction.js';
import { Log, LOG_LEVELS, type LogLevel } from '../../../../src/cli/logging/event-log.js';
import { LogObserver } from '../../../../src/cli/logging/log-observer.js';
import { fileSink, outputSink } from '../../../../src/cli/logging/sinks.js';
import { LakeportError } from '../../../../src/errors.js';
import { captured, plan, runResult, tablePlan, tableResult } from '../reports/samples.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'lakeport-log-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function logTo(options: { level?: LogLevel; format?: 'text' | 'json'; terminal?: boolean; redactor?: Redactor } = {}) {
  const { output, text } = captured({ terminal: options.terminal ?? false, environment: { NO_COLOR: '1' } });
  const sink = outputSink(output, { level: options.level ?? 'INFO', format: options.format ?? 'text' });
  const log = new Log({ sinks: [sink], redactor: options.redactor ?? new Redactor() });
  return { log, text: () => text().replace(TIME, '') };
}

const failure = new LakeportError({
  code: 'DISK_ERROR',
  exit: 'unexpected',
  message: 'it broke',
  hint: 'mend it',
  context: { table: 's.t', column: 'price' },
  cause: new Error('deeper'),
});

describe('events', () => {
  it('come from the level on that was asked for', () => {
    for (const level of LOG_LEVELS) {
      const { log, text } = logTo({ level, format: 'json' });
      for (const each of LOG_LEVELS) log.write(each, 'x');
      const levels = text()
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { level: string }).level);
      expect(levels).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(level)));
    }
  });

  it('are one line each, with their time, as text', () => {
    const { log, text } = logTo();
    log.write('INFO', 'a\nb\u001b[31m', { not: 'shown' }, 'do\nthis');
    log.write('WARNING', 'x has 2 problems:\n  one\n  two');
    expect(text()).toBe('INFO     a\\nb\\x1b[31m (hint: do\\nthis)\nWARNING  x has 2 problems; one; two\n');
  });

  it('are one JSON object a line, with their fields, as json', () => {
    const { log, text } = logTo({ format: 'json', terminal: true });
    log.error(failure);
    expect(JSON.parse(text())).toEqual({
      time: expect.stringMatching(/Z$/) as string,
      level: 'ERROR',
      event: 'error',
      message: 'it broke (table s.t, column price)',
      hint: 'mend it',
      code: 'DISK_ERROR',
      table: 's.t',
      column: 'price',
    });
  });

  it('on a terminal are for a person', () => {
    const { log, text } = logTo({ terminal: true });
    log.error(failure);
    expect(text()).toBe('error: it broke (table s.t, column price)\nhint: mend it\n');
  });

  it('that end the run look like what any program says, with or without a terminal', () => {
    const { log, text } = logTo();
    log.error(
      new LakeportError({ code: 'UNEXPECTED', exit: 'usage', message: 'a has 2 problems:\n  one\n  two', hint: 'h' }),
      'CRITICAL',
    );
    expect(text()).toBe('lakeport: a has 2 problems:\n  one\n  two\nhint: h\n');
  });

  it('show the stacks of an error and its causes at DEBUG only', () => {
    const shown = logTo({ level: 'DEBUG' });
    shown.log.error(failure);
    expect(shown.text()).toMatch(/DEBUG +LakeportError: it broke\n(.*\n)*DEBUG +Error: deeper/);
    const hidden = logTo({ level: 'INFO' });
    hidden.log.error(failure);
    expect(hidden.text()).not.toContain('deeper');
  });

  it('hold no secrets, wherever they stand', () => {
    const redactor = new Redactor();
    redactor.add('MARKER-1');
    const { log, text } = logTo({ level: 'DEBUG', format: 'json', redactor });
    log.write('INFO', 'message MARKER-1', { field: 'MARKER-1', deep: { list: ['MARKER-1'] } }, 'hint MARKER-1');
    log.error(
      new LakeportError({ code: 'UNEXPECTED', exit: 'usage', message: 'm', cause: new Error('cause MARKER-1') }),
    );
    expect(text()).not.toContain('MARKER');
  });
});

describe('the log file', () => {
  it('is lakeport_<run_id>.log in a directory that is made', () => {
    const sink = fileSink({
      directory: path.join(directory, 'a/b'),
      runId: 'run-1',
      level: 'INFO',
      format: 'text',
      onFailure: () => undefined,
    });
    new Log({ sinks: [sink], redactor: new Redactor() }).write('INFO', 'hello');
    expect(readFileSync(path.join(directory, 'a/b/lakeport_run-1.log'), 'utf8').replace(TIME, '')).toBe(
      'INFO     hello\n',
    );
  });

  it('that cannot be opened is a usage error', () => {
    const file = path.join(directory, 'file');
    writeFileSync(file, '');
    const open = () =>
      fileSink({ directory: file, runId: 'r', level: 'INFO', format: 'text', onFailure: () => undefined });
    expect(open).toThrow(expect.objectContaining({ code: 'LOG_DIR_NOT_WRITABLE', exit: 'usage' }) as Error);
  });

  it.skipIf(process.platform !== 'linux')('that cannot be written to any more is told once, and ends nothing', () => {
    const told: string[] = [];
    // The kernel's own device that is always full.
    symlinkSync('/dev/full', path.join(directory, 'lakeport_full.log'));
    const sink = fileSink({
      directory,
      runId: 'full',
      level: 'INFO',
      format: 'text',
      onFailure: (message) => told.push(message),
    });
    const log = new Log({ sinks: [sink], redactor: new Redactor() });
    log.write('INFO', 'one');
    log.write('INFO', 'two');
    expect(told).toEqual([expect.stringMatching(/ENOSPC/)]);
  });
});

describe('a run in the log', () => {
  it('tells of its plan, each table, and the end', () => {
    const { log, text } = logTo();
    const observer = new LogObserver(log);
    observer.planned(plan({ tables: [tablePlan({ name: 'a' }), tablePlan({ name: 'b' }), tablePlan({ name: 'c' })] }));
    observer.tableStarted({ schema: 's', name: 'a' });
    observer.tableEnded(tableResult({ name: 'a', rows: 1_000, files: 2, bytes: 5_000, seconds: 0.5 }));
    observer.tableFailed({ schema: 's', name: 'b' }, failure);
    observer.tableEnded(tableResult({ name: 'b', state: 'failed', error: failure.toData() }));
    observer.tableEnded(tableResult({ name: 'c', state: 'failed', error: failure.toData() }));
    observer.message('warning', 'something', { rows: 3, why: 'because' });
    observer.ended(runResult([tableResult({ name: 'a', rows: 1_000 }), tableResult({ name: 'b', state: 'failed' })]));
    observer.stop();
    expect(text().split('\n').slice(0, -1)).toEqual([
      'INFO     3 tables of shop on db:5432 (PostgreSQL 17.9), 2 readers, consistency run',
      'INFO     s.a completed: 1,000 rows, 2 files, 5.00 kB in 0.50 s (2,000 rows/s)',
      'ERROR    s.b: it broke (table s.t, column price) (hint: mend it)',
      'ERROR    s.c: it broke (table s.t, column price) (hint: mend it)',
      'WARNING  something rows=3 why="because"',
      'INFO     1 of 2 tables exported: 1,000 rows, 2 files, 200 B in 2.00 s',
    ]);
  });
});
