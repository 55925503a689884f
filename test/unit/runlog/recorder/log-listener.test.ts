import { expect, it } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import { logMessages } from '../../../../src/runlog/recorder/log-listener.js';

it('messages say what happened to the log, what it means for the export, and what helps', () => {
  const told: [string, string, unknown][] = [];
  const listener = logMessages({ message: (level, text, fields) => void told.push([level, text, fields]) });
  const full = new LakeportError({
    code: 'RUN_LOG_FULL',
    message: 'The run log /log cannot be used: the disk is full',
    hint: 'Free some space there.',
  });
  listener.onTrouble?.(full);
  listener.onRecovered?.();
  listener.onKept?.('/state/unlogged/r.json');
  listener.onLost?.(full);
  expect(told.map(([level]) => level)).toEqual(['warning', 'info', 'warning', 'warning']);
  expect(told[0]).toEqual([
    'warning',
    'The run log /log cannot be used: the disk is full. The export continues; missing entries are written once the log is available again.',
    { code: 'RUN_LOG_FULL', hint: 'Free some space there.' },
  ]);
  expect(told[2]?.[1]).toContain('/state/unlogged/r.json');
});
