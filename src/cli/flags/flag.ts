/** Headings of the help, in order. */
export const FLAG_GROUPS = [
  'Source',
  'Columns and rows',
  'Incremental syncs',
  'Destination',
  'Speed',
  'Workers',
  'Files',
  'Run',
  'Run log',
  'Stored syncs',
  'Metadata',
  'Output',
  'Accepted and ignored',
  'Help',
] as const;

type FlagGroup = (typeof FLAG_GROUPS)[number];

/**
 * What `--resume` does with a flag. `kept`: the recorded value applies and cannot be given again. `changeable`: it may
 * be given, and applies to this process. `refused`: it has no meaning for a run that has already started.
 */
export type ResumePolicy = 'kept' | 'changeable' | 'refused';

/** A value as typed. */
export interface FlagValue {
  /** Its spelling in messages, with dashes. */
  readonly flag: string;
  readonly value: string;
}

/** A type of value, read from the command line and from the records of earlier runs. */
export interface ValueType<T> {
  /** @throws LakeportError of class `usage` */
  readonly parse: (given: FlagValue) => T;
  /** The value in a run's record; undefined if it is invalid. */
  readonly restore: (recorded: unknown) => T | undefined;
  /** All values, if they come from a list. */
  readonly words?: readonly string[] | undefined;
  /** What a shell completes it with. */
  readonly completes?: 'files' | 'directories' | undefined;
}

/** Properties of every flag. */
interface FlagInfo {
  /** Its own name, in snake_case, without dashes. Every long name is also accepted with `-` for `_`. */
  readonly name: string;
  readonly short?: string | undefined;
  /** Other long names. */
  readonly aliases?: readonly string[] | undefined;
  readonly group: FlagGroup;
  /** Starts in lower case, has no full stop, and names the default. */
  readonly help: string;
  readonly onResume: ResumePolicy;
  /** More documentation: a Markdown link, relative to `docs/reference/`. */
  readonly see?: string | undefined;
  /** The value is a reference to a secret, and stays one in a job file, where references are replaced otherwise. */
  readonly keepsReferences?: boolean | undefined;
  /** `ignored`: a LakeXpress flag without effect. */
  readonly standing?: 'ignored' | undefined;
}

/** A flag whose value is `T`. */
export interface Flag<T = unknown> extends FlagInfo {
  /** Placeholder for the value in the help; a flag without one is a switch. */
  readonly value?: string | undefined;
  /** May be given several times, and all values count. For other flags, the last one wins. */
  readonly repeatable: boolean;
  readonly words?: readonly string[] | undefined;
  readonly completes?: ValueType<T>['completes'];
  /**
   * Reads the typed values; the default if there are none.
   * @throws LakeportError of class `usage`
   */
  read(given: readonly string[] | undefined): T;
  /** Reads a run's record, which may lack the value; undefined if the value is invalid. */
  restore(recorded: unknown): { readonly value: T } | undefined;
}

interface SwitchDefinition extends FlagInfo {
  readonly value?: undefined;
}

interface ValueDefinition<T> extends FlagInfo {
  readonly value: string;
  readonly type: ValueType<T>;
  readonly repeatable?: false | undefined;
}

interface ListDefinition<T> extends FlagInfo {
  readonly value: string;
  readonly type: ValueType<readonly T[]>;
  /** All given values are combined. */
  readonly repeatable: true;
}

interface DefaultDefinition<T> extends ValueDefinition<T> {
  readonly default: NoInfer<T>;
  /** The default for recorded runs that predate the flag, if different. */
  readonly formerDefault?: NoInfer<T>;
}

/** Makes a flag from its definition. */
export function defineFlag<T>(definition: ListDefinition<T>): Flag<readonly T[]>;
export function defineFlag<T>(definition: DefaultDefinition<T>): Flag<T>;
export function defineFlag<T>(definition: ValueDefinition<T>): Flag<T | undefined>;
export function defineFlag(definition: SwitchDefinition): Flag<boolean>;
export function defineFlag(
  definition:
    SwitchDefinition | ListDefinition<unknown> | ValueDefinition<unknown> | Partial<DefaultDefinition<unknown>>,
): Flag {
  const whole = definition as SwitchDefinition | ListDefinition<unknown> | DefaultDefinition<unknown>;
  if (whole.value === undefined) return switchFlag(whole);
  return whole.repeatable === true ? listFlag(whole) : valueFlag(whole);
}

function switchFlag(definition: SwitchDefinition): Flag<boolean> {
  return {
    ...definition,
    repeatable: false,
    read: (given) => given !== undefined,
    restore: (recorded = false) => (typeof recorded === 'boolean' ? { value: recorded } : undefined),
  };
}

function valueFlag<T>({ type, ...definition }: DefaultDefinition<T>): Flag<T> {
  const { default: otherwise, formerDefault = otherwise } = definition;
  return {
    ...definition,
    repeatable: false,
    words: type.words,
    completes: type.completes,
    read: (given) => {
      const value = given?.at(-1);
      return value === undefined ? otherwise : type.parse({ flag: spelling(definition), value });
    },
    restore: (recorded) => {
      if (recorded === undefined || recorded === null) return { value: formerDefault };
      const value = type.restore(recorded);
      return value === undefined ? undefined : { value };
    },
  };
}

function listFlag<T>({ type, ...definition }: ListDefinition<T>): Flag<readonly T[]> {
  return {
    ...definition,
    words: type.words,
    completes: type.completes,
    read: (given = []) => given.flatMap((value) => type.parse({ flag: spelling(definition), value })),
    restore: (recorded = []) => {
      const value = type.restore(recorded);
      return value === undefined ? undefined : { value };
    },
  };
}

/** A flag as shown to users: `--output-dir`. */
export function spelling({ name }: Pick<Flag, 'name'>): string {
  return `--${name.replaceAll('_', '-')}`;
}
