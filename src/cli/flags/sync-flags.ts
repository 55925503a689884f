import { defineFlag, type ValueType } from './flag.js';
import { AGE, someOf, SYNC_ID, wholeNumber } from './value-types.js';

const SEE = '[stored syncs](../operations/incremental.md#stored-syncs)';

const STATES = ['completed', 'failed', 'cancelled', 'interrupted'] as const;

export type EndedState = (typeof STATES)[number];

/** `running` is LakeXpress's word for runs whose process is gone. */
const ENDED_STATES: ValueType<readonly EndedState[]> = {
  ...someOf(STATES),
  parse: (given) =>
    someOf([...STATES, 'running'])
      .parse(given)
      .map((state) => (state === 'running' ? 'interrupted' : state)),
};

/** Syncs that are stored in the run log. */
export const SYNC_FLAGS = {
  syncId: defineFlag({
    name: 'sync_id',
    value: 'SYNC_ID',
    type: SYNC_ID,
    group: 'Stored syncs',
    help: 'id of a stored sync',
    onResume: 'refused',
    see: SEE,
  }),
  replace: defineFlag({
    name: 'replace',
    group: 'Stored syncs',
    help: 'gives a stored sync these flags in place of its own; its runs and watermarks stay',
    onResume: 'refused',
  }),
  olderThan: defineFlag({
    name: 'older_than',
    value: 'AGE',
    type: AGE,
    group: 'Stored syncs',
    help: 'only runs that ended so long ago, e.g. 7d, 24h or 30m',
    onResume: 'refused',
  }),
  runStates: defineFlag({
    name: 'status',
    value: 'STATE[,STATE]',
    type: ENDED_STATES,
    repeatable: true,
    group: 'Stored syncs',
    help: `only runs that are ${STATES.join(', ')} (default: all but those that can be resumed)`,
    onResume: 'refused',
  }),
  confirm: defineFlag({
    name: 'confirm',
    group: 'Stored syncs',
    help: 'does what cannot be taken back',
    onResume: 'refused',
  }),
  maxAgeHours: defineFlag({
    name: 'max_age_hours',
    value: 'N',
    type: wholeNumber({ least: 0 }),
    group: 'Stored syncs',
    help: 'only locks that are held for so many hours at least',
    onResume: 'refused',
  }),
} as const;

/** `--resume` of `lakeport sync`, which takes no value. */
export const RESUME_SYNC = defineFlag({
  name: 'resume',
  short: 'r',
  group: 'Stored syncs',
  help: 'finishes the last run of the sync if it is unfinished, else starts a new one',
  onResume: 'refused',
});
