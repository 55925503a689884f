import { defineFlag } from './flag.js';
import { DURATION, oneOf, TEXT, wholeNumber } from './value-types.js';

const TEN_MINUTES_MS = 600_000;

/** Workers in other processes, on other machines: how a run waits for them, and how they wait for a run. */
export const WORKER_FLAGS = {
  workers: defineFlag({
    name: 'workers',
    value: 'external',
    type: oneOf(['external']),
    group: 'Workers',
    help: 'external: this process plans, publishes and records, and `lakeport work` reads, on any number of machines (default: threads of this process)',
    onResume: 'changeable',
    see: '[scale out](../operations/scale-out.md)',
  }),
  workersWaitMs: defineFlag({
    name: 'workers_wait',
    value: 'TIME',
    type: DURATION,
    default: TEN_MINUTES_MS,
    group: 'Workers',
    help: 'with --workers external: how long the run goes on without any worker (default: 10m)',
    onResume: 'changeable',
  }),
  localReaders: defineFlag({
    name: 'local_readers',
    value: 'N',
    type: wholeNumber({ least: 0, most: 1024 }),
    default: 0,
    group: 'Workers',
    help: 'with --workers external: slices that this process reads too, at the same time (default: 0)',
    onResume: 'changeable',
  }),
  keepers: defineFlag({
    name: 'keepers',
    value: 'N',
    type: wholeNumber({ least: 0, most: 16 }),
    default: 2,
    group: 'Workers',
    help: 'with --workers external: workers that hold the snapshot and its locks too, so that the run goes on in it when this process is started again (default: 2)',
    onResume: 'changeable',
    see: '[keepers](../operations/scale-out.md#keepers)',
  }),
  waitMs: defineFlag({
    name: 'wait',
    value: 'TIME',
    type: DURATION,
    default: TEN_MINUTES_MS,
    group: 'Workers',
    help: 'how long to wait for the run to begin, or to be continued when its coordinator is gone (default: 10m)',
    onResume: 'refused',
  }),
  idleExitMs: defineFlag({
    name: 'idle_exit',
    value: 'TIME',
    type: DURATION,
    group: 'Workers',
    help: 'ends the worker when no slice has waited or been read anywhere for so long (default: stays until the run is over)',
    onResume: 'refused',
  }),
  workerName: defineFlag({
    name: 'name',
    value: 'NAME',
    type: TEXT,
    group: 'Workers',
    help: 'name of this worker in `lakeport status` and in warnings (default: host and process id)',
    onResume: 'refused',
  }),
} as const;
