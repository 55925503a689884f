import { avoidedEncodings, COMPATS, readerOf, refusedBy } from '../../columns/compat.js';
import type { ExportOptions } from '../../export/model/options.js';
import type { RunPlan } from '../../export/model/plan.js';
import { undecodedBy } from '../../export/planning/undecoded-encodings.js';
import { printable, tableName } from '../../text/printable.js';
import { count, counted } from '../../text/quantities.js';
import type { Output } from '../terminal/output.js';

/** Maximum tables listed that a reader cannot open. */
const MOST_REFUSED = 5;

/** Which common readers cannot open which tables, and what helps. */
export function refusedLines({ tables }: RunPlan, output: Output): string[] {
  return COMPATS.flatMap((compat) => {
    const refused = tables.flatMap(({ id, columns }) => {
      const specs = columns.filter(({ spec }) => refusedBy(spec).includes(compat)).map(({ spec }) => spec);
      if (specs.length === 0) return [];
      const names = specs.map(({ name, sourceType }) => `${printable(name)} ${printable(sourceType)}`).join(', ');
      return [`  ${tableName(id)}: ${names}`];
    });
    if (refused.length === 0) return [];
    const head = `${readerOf(compat)} would not open ${counted(refused.length, 'table')}, because of column types that it does not support:`;
    const more = refused.length > MOST_REFUSED ? [`  … ${count(refused.length - MOST_REFUSED)} more`] : [];
    const hint = `    ${output.paint('cyan', 'hint:')} --compat ${compat} writes them as text; docs/readers.md says what other readers make of each type`;
    return ['', output.paint('yellow', head), ...refused.slice(0, MOST_REFUSED), ...more, hint];
  });
}

/** Which common readers may not decode which tables because of their encodings. */
export function undecodedLines({ tables }: RunPlan, options: ExportOptions, output: Output): string[] {
  return COMPATS.flatMap((compat) => {
    const concerned = tables.filter((table) => undecodedBy(table, options).includes(compat));
    if (concerned.length === 0) return [];
    const encodings = avoidedEncodings(compat).join(', ');
    const head = `${readerOf(compat)} may not decode the floats of ${counted(concerned.length, 'table')}: --encoding compact may write them in ${encodings}`;
    const hint = `    ${output.paint('cyan', 'hint:')} --compat ${compat} leaves that encoding out; docs/readers.md says which versions decode it`;
    return ['', output.paint('yellow', head), hint];
  });
}
