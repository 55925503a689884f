import type { Route } from '../../export/model/options.js';
import { listOnRecord } from '../../export/model/plain-value.js';
import { validRoute } from '../../export/model/valid-data.js';
import type { FlagValue, ValueType } from './flag.js';
import { takePattern } from './table-setting.js';
import { usageError } from './usage-error.js';

/**
 * `PATTERN=STORAGE_ID[/PATH]`, the path as typed. Quotes or a backslash make `=` part of a name.
 */
export const ROUTES: ValueType<readonly Route[]> = {
  parse: (given) => [route(given)],
  restore: (recorded) => listOnRecord(recorded, validRoute),
};

function route(given: FlagValue): Route {
  const { flag, value } = given;
  const patterns: string[] = [];
  let place: string | undefined;
  for (let rest: string | undefined = value; rest !== undefined && place === undefined;) {
    const taken = takePattern({ flag, value: rest, whole: value }, ',=');
    patterns.push(taken.pattern);
    if (taken.end === '=') place = taken.rest;
    else rest = taken.rest;
  }
  const [, storageId = '', subPath] = /^((?:[^\\/]|\\[\s\S])*)(?:\/([\s\S]*))?$/.exec(place ?? '') ?? [];
  if (storageId.trim() === '' || subPath === '') {
    throw usageError({
      code: 'BAD_ROUTE',
      message: `${flag} must be PATTERN=STORAGE_ID or PATTERN=STORAGE_ID/PATH, not ${JSON.stringify(value)}`,
      hint: `For example ${flag} 'sales.%=s3_eu' or ${flag} '%.audit_%=azure_cold/archive'.`,
      flag,
    });
  }
  return { patterns, storageId: storageId.replace(/\\([\s\S])/g, '$1'), subPath: subPath ?? '' };
}
