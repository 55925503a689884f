import pg from 'pg';
import type { Cluster } from '../../embedded-postgres/cluster.js';

/** A small shop: about one million rows, with the types that real databases have. The same rows on every run. */
const STATEMENTS: readonly { readonly what: string; readonly sql: string }[] = [
  {
    what: 'types and tables',
    sql: `
      CREATE SCHEMA shop;
      SET search_path = shop;
      CREATE TYPE order_status AS ENUM ('placed', 'paid', 'shipped', 'delivered', 'returned');
      CREATE DOMAIN amount AS numeric(12,2) CHECK (VALUE >= 0);
      CREATE TABLE customers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        public_id uuid NOT NULL,
        name text NOT NULL,
        email text NOT NULL,
        country char(2) NOT NULL,
        born date,
        credit_limit amount NOT NULL,
        tags text[] NOT NULL,
        preferences jsonb NOT NULL,
        created_at timestamptz NOT NULL);
      CREATE TABLE products (
        id integer PRIMARY KEY,
        sku varchar(20) NOT NULL,
        title text NOT NULL,
        price numeric(10,2) NOT NULL,
        weight_kg real,
        rating double precision,
        sizes numeric(4,1)[],
        label bytea);
      CREATE TABLE orders (
        id bigint PRIMARY KEY,
        customer_id bigint NOT NULL,
        status order_status NOT NULL,
        placed_at timestamptz NOT NULL,
        ship_by date,
        delivery_window tstzrange,
        gift boolean NOT NULL,
        note text);
      CREATE TABLE order_items (
        order_id bigint NOT NULL,
        line smallint NOT NULL,
        product_id integer NOT NULL,
        quantity integer NOT NULL,
        unit_price numeric(10,2) NOT NULL,
        discount numeric(4,3) NOT NULL);
      CREATE TABLE events (
        id bigint NOT NULL,
        occurred_at timestamptz NOT NULL,
        kind text NOT NULL,
        client inet,
        duration interval,
        payload jsonb) PARTITION BY RANGE (occurred_at);
      CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01+00') TO ('2025-01-01+00');
      CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01+00') TO ('2026-01-01+00');`,
  },
  {
    what: 'customers and products',
    sql: `
      INSERT INTO shop.customers (public_id, name, email, country, born, credit_limit, tags, preferences, created_at)
      SELECT md5('customer ' || n)::uuid,
             (ARRAY['Ada','Björn','Chloé','Dmitri','Ewa','Fatima','Goran','Hana','Île','Jürgen'])[1 + n % 10] || ' ' ||
               (ARRAY['Łukasiewicz','Müller','O''Neill','Ñandú','Petrović','Quispe','Rossi','Şahin'])[1 + n / 10 % 8],
             'customer' || n || '@example.com',
             (ARRAY['PL','DE','FR','ES','IT','SE','TR','PE'])[1 + n / 7 % 8],
             CASE WHEN n % 9 > 0 THEN DATE '1940-01-01' + n * 37 % 25000 END,
             (n % 500) * 12.50,
             CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN '{newsletter}' ELSE '{newsletter,vip}' END::text[],
             jsonb_build_object('language', (ARRAY['pl','de','fr'])[1 + n % 3], 'dark', n % 2 = 0),
             TIMESTAMPTZ '2020-01-01+00' + n * INTERVAL '53 minutes 7.123456 seconds'
      FROM generate_series(1, 50000) n;
      INSERT INTO shop.products
      SELECT n, 'SKU-' || lpad(n::text, 6, '0'), 'Product ' || n || ' ✓', 1 + (n * 7919 % 50000) / 100.0,
             CASE WHEN n % 3 > 0 THEN (n % 200) / 10.0 END, CASE WHEN n % 5 > 0 THEN 1 + (n % 41) / 10.0 END,
             CASE WHEN n % 4 = 0 THEN ARRAY[36.5, 38, NULL, 42] END, decode(md5(n::text), 'hex')
      FROM generate_series(1, 1000) n;`,
  },
  {
    what: 'orders',
    sql: `
      INSERT INTO shop.orders
      SELECT n, 1 + n::bigint * 48271 % 50000, (enum_range(NULL::shop.order_status))[1 + n % 5], t,
             CASE WHEN n % 3 > 0 THEN t::date + 2 END,
             CASE WHEN n % 6 = 0 THEN tstzrange(t + INTERVAL '2 days', t + INTERVAL '2 days 4 hours') END,
             n % 11 = 0, CASE WHEN n % 13 = 0 THEN 'Please ring twice 🔔 (' || n || ')' END
      FROM (SELECT n, TIMESTAMPTZ '2024-01-01+00' + n * INTERVAL '5 minutes 15.25 seconds' AS t
            FROM generate_series(1, 200000) n) s;
      INSERT INTO shop.order_items
      SELECT n, line, 1 + (n * 31 + line * 7) % 1000, 1 + n * line % 5,
             1 + ((1 + (n * 31 + line * 7) % 1000) * 7919 % 50000) / 100.0, (n % 4) * 0.050
      FROM generate_series(1, 200000) n, LATERAL generate_series(1, 1 + n % 4) line;`,
  },
  {
    what: 'events',
    sql: `
      INSERT INTO shop.events
      SELECT n, TIMESTAMPTZ '2024-01-01+00' + n * INTERVAL '4 minutes 12.5 seconds',
             (ARRAY['view','search','cart','checkout'])[1 + n % 4],
             CASE WHEN n % 10 > 0 THEN ('10.' || n % 256 || '.' || n / 256 % 256 || '.7')::inet END,
             (n % 5000) * INTERVAL '1.5 seconds',
             CASE WHEN n % 3 = 0 THEN jsonb_build_object('page', '/p/' || n % 1000, 'ms', n % 800) END
      FROM generate_series(1, 249000) n;`,
  },
];

/** Creates and analyzes the sample tables. Throws the signal's reason when it aborts. */
export async function createSampleTables(
  cluster: Cluster,
  options: { readonly signal: AbortSignal; readonly say: (what: string) => void },
): Promise<void> {
  const { signal, say } = options;
  signal.throwIfAborted();
  const { host, port, user, password, database } = cluster;
  const client = new pg.Client({ host, port, user, password, database });
  // A connection closed by the abort is not a separate failure.
  client.on('error', () => undefined);
  const cut = () => void client.end();
  try {
    await client.connect();
    signal.addEventListener('abort', cut, { once: true });
    for (const { what, sql } of STATEMENTS) {
      say(what);
      await client.query(sql);
      signal.throwIfAborted();
    }
    await client.query('ANALYZE');
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
    await client.end();
  }
}
