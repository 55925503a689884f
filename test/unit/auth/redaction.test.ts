import { describe, expect, it } from 'vitest';

import { Redactor } from '../../../src/auth/redaction.js';

function redactorOf(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

describe('a secret', () => {
  const secret = "p@ss/w'ör\\d é+";

  it.each([
    ['as it is', secret],
    ['in a URL', encodeURIComponent(secret)],
    ['in a strictly encoded URL', encodeURIComponent(secret).replaceAll("'", '%27')],
    ['in a form', encodeURIComponent(secret).replaceAll('%20', '+')],
    ['in lower-case escapes', encodeURIComponent(secret).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['in JSON', JSON.stringify({ x: secret })],
    ['in a libpq string', `password='${secret.replace(/[\\']/g, '\\$&')}'`],
    ['in SQL', `'${secret.replaceAll("'", "''")}'`],
    ['in base64', Buffer.from(secret).toString('base64')],
  ])('is hidden %s', (_, text) => {
    const redacted = redactorOf(secret).redact(`before ${text} after`);
    expect(redacted).toMatch(/^before .*\*\*\*.* after$/);
    expect(redacted).not.toMatch(/ss.w/);
  });

  it('that begins with another one is hidden whole', () => {
    expect(redactorOf('secret-1', 'secret-1-and-more').redact('x secret-1-and-more y secret-1')).toBe('x *** y ***');
  });

  it('inside a connection string is hidden by itself too', () => {
    const redactor = redactorOf(
      'postgres://user:s3cr%2Fet@host/db?sslpassword=other-one',
      "host=h password='qu\\'ote d'",
    );
    expect(redactor.redact("s3cr%2Fet s3cr/et other-one qu'ote d")).toBe('*** *** *** ***');
  });

  it('that has letters of a pattern is taken literally', () => {
    expect(redactorOf('a.b*c+(d').redact('axbbc a.b*c+(d')).toBe('axbbc ***');
  });

  it('that is half of a surrogate pair breaks nothing', () => {
    expect(redactorOf('abcdef\ud800').redact('x abcdef\ud800 y')).toBe('x *** y');
  });
});

describe('a secret that could be an ordinary word', () => {
  it('is hidden only as a credential where it is short', () => {
    expect(redactorOf('a').redact('a table, password=a, postgres://me:a@host, "password":"a"')).toBe(
      'a table, password=***, postgres://me:***@host, "password":"***"',
    );
  });

  it('is hidden only as a credential where it equals a name that is public', () => {
    const redactor = redactorOf('postgres');
    redactor.addPublic('postgres');
    expect(redactor.redact('database postgres on postgres:5432, pwd=postgres;')).toBe(
      'database postgres on postgres:5432, pwd=***;',
    );
  });
});

describe('a secret inside a public value', () => {
  it('is an ordinary word too', () => {
    const redactor = redactorOf('orders');
    redactor.addPublic('sales_orders_2025');
    expect(redactor.redact('out/sales_orders_2025, password=orders')).toBe('out/sales_orders_2025, password=***');
  });
});

describe('data', () => {
  it('keeps its shape: only strings change, names of fields do not', () => {
    const redactor = redactorOf('tables');
    const at = new Date(0);
    expect(
      redactor.redactData({ tables: ['tables', 1, true, null, undefined, at], nested: { x: 'my tables' } }),
    ).toEqual({
      tables: ['***', 1, true, null, undefined, at],
      nested: { x: 'my ***' },
    });
  });

  it('keeps stable error codes, whatever words passwords are', () => {
    const redactor = new Redactor();
    redactor.add('SECRET_OF_MINE');
    const data = { error: { code: 'S3_WRONG_SECRET_OF_MINE', message: 'SECRET_OF_MINE is wrong' } };
    expect(redactor.redactData(data)).toEqual({ error: { code: 'S3_WRONG_SECRET_OF_MINE', message: '*** is wrong' } });
    expect(redactor.redactData({ code: 'secret_of_mine' })).toEqual({ code: '***' });
  });

  it('of the environment is known', () => {
    const redactor = new Redactor();
    redactor.addEnvironment({ PGPASSWORD: 'from-environment', HOME: '/home/me' }, [
      'PGPASSWORD',
      'AWS_SECRET_ACCESS_KEY',
    ]);
    expect(redactor.redact('from-environment /home/me')).toBe('*** /home/me');
  });
});
