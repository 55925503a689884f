/** Headings of the help, in its order. */
export const FLAG_GROUPS = [
  'Source',
  'Destination',
  'Speed',
  'Files',
  'Run',
  'Run log',
  'Metadata',
  'Output',
  'Accepted and ignored',
  'Help',
] as const;

type FlagGroup = (typeof FLAG_GROUPS)[number];

/**
 * What `--resume` does with a flag. `kept`: the run's record has its value, which cannot be given again. `changeable`:
 * it may be given, and then counts for this process. `refused`: it means nothing to a run that was begun already.
 */
export type ResumePolicy = 'kept' | 'changeable' | 'refused';

/** A value as it was typed. */
export interface FlagValue {
  /** As it is shown to people, with its dashes. */
  readonly flag: string;
  readonly value: string;
}

/** Values of one kind: read from the command line, and from the records of earlier runs. */
export interface ValueType<T> {
  /** @throws LakeportError of class `usage` */
  readonly parse: (given: FlagValue) => T;
  /** The value that a run's record holds; undefined for what is no such value. */
  readonly restore: (recorded: unknown) => T | undefined;
  /** All values, where they are words of a list. */
  readonly words?: readonly string[] | undefined;
  /** What a shell may complete it by. */
  readonly completes?: 'files' | 'directories' | undefined;
}

/** What flags of every kind have. */
interface FlagInfo {
  /** Its own name, in snake_case, without dashes. Every long name is also taken with `-` for `_`. */
  readonly name: string;
  readonly short?: string | undefined;
  /** Other long names. */
  readonly aliases?: readonly string[] | undefined;
  readonly group: FlagGroup;
  /** Begins in lower case and has no full stop; names the default. */
  readonly help: string;
  readonly onResume: ResumePolicy;
  /** Where the documentation says more: a Markdown link, relative to `docs/reference/`. */
  readonly see?: string | undefined;
  /** `later`: known, and refused with a clear message. `ignored`: of LakeXpress, with no meaning here. */
  readonly standing?: 'later' | 'ignored' | undefined;
}

/** A flag whose value is `T`. */
export interface Flag<T = unknown> extends FlagInfo {
  /** What stands for the value in the help; a flag without it is a switch. */
  readonly value?: string | undefined;
  /** May be given several times, and all of them count. Of other flags, the last one does. */
  readonly repeatable: boolean;
  readonly words?: readonly string[] | undefined;
  readonly completes?: ValueType<T>['completes'];
  /**
   * From what was typed; the default where nothing was.
   * @throws LakeportError of class `usage`
   */
  read(given: readonly string[] | undefined): T;
  /** From a run's record, which may lack it; undefined for a value that is not understood. */
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
  /** Values of all mentions are joined. */
  readonly repeatable: true;
}

interface DefaultDefinition<T> extends ValueDefinition<T> {
  readonly default: NoInfer<T>;
  /** Of runs on record that know nothing of the flag, where it was another one. */
  readonly formerDefault?: NoInfer<T>;
}

/** A flag as its table says it. */
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

/** A flag as it is shown to people: `--output-dir`. */
export function spelling({ name }: Pick<Flag, 'name'>): string {
  return `--${name.replaceAll('_', '-')}`;
}
