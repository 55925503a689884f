import { describe, expect, it } from 'vitest';
import { ChosenColumns } from '../../../../src/export/planning/chosen-columns.js';
import { ColumnRules } from '../../../../src/export/planning/column-rules.js';

const ORDERS = { schema: 'sales', name: 'orders' };
const PEOPLE = { schema: 'crm', name: 'people' };
const NAMES = ['id', 'amount', 'e_mail'];

/** Both flags notice what matches nothing in one way. */
const FLAGS = {
  '--exclude-columns': (pattern: string, column: string) => {
    const choice = new ChosenColumns({ excludedColumns: [{ pattern, value: [column] }] });
    choice.requireTables([{ id: ORDERS }, { id: PEOPLE }]);
    choice.take(ORDERS, NAMES);
    return { require: () => choice.requireColumns([{ id: ORDERS }, { id: PEOPLE }], [{ id: PEOPLE }]) };
  },
  '--mask': (pattern: string, column: string) => {
    const rules = new ColumnRules({ masks: [{ pattern, value: { column, mask: { method: 'null' } } }] });
    rules.described(ORDERS, NAMES, NAMES);
    return { require: () => rules.requireMatches([{ id: ORDERS }, { id: PEOPLE }]) };
  },
};

describe.each(Object.entries(FLAGS))('a pattern of %s', (flag, check) => {
  it('that matches no column is told with the nearest one, and with all of a single table', () => {
    expect(() => check('orders', 'amuont').require()).toThrow(
      expect.objectContaining({
        code: 'PATTERN_WITHOUT_MATCH',
        exit: 'usage',
        message: `No column of orders matches "amuont" of ${flag}; the nearest existing column is amount`,
        hint: 'Its columns are id, amount, e_mail',
      }) as Error,
    );
  });

  it('that matches no table is told', () => {
    expect(() => check('order', 'id').require()).toThrow(
      `No exported table matches "order" of ${flag}; the nearest existing table is sales.orders`,
    );
  });

  it('may be meant for a table that fails, whose columns are not known', () => {
    expect(() => check('%', 'phone').require()).not.toThrow();
    expect(() => check('orders', 'e\\_mail').require()).not.toThrow();
  });
});
