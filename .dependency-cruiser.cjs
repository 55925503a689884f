/**
 * The directions of imports, types included: a room may import only what stands below it. `npm run lint` checks them.
 * ARCHITECTURE.md says what each room is for.
 */

const { existsSync, readdirSync } = require('node:fs');

/** Folders of a room that speak for themselves by an `entry.ts`: the engines, and the stores. */
function entryFolders(room) {
  return readdirSync(`${__dirname}/src/${room}`).filter((name) =>
    existsSync(`${__dirname}/src/${room}/${name}/entry.ts`),
  );
}

const ENGINE_FOLDER = `^src/sources/(${entryFolders('sources').join('|')})/`;
const STORE_FOLDER = `^src/storage/(${entryFolders('storage').join('|')})/`;

const FORMAT_FOLDER = '^src/export/formats/[^/]+/';

/** From the ground floor up. A room may import its own files, and rooms that stand on earlier lines. */
const FLOORS = [
  ['error-codes'],
  ['environment', 'errors', 'model', 'version'],
  ['text'],
  ['runtime', 'network'],
  ['kernels'],
  ['columns'],
  ['parquet', 'parquet-reader'],
  ['auth'],
  ['sources', 'storage'],
  ['engines', 'stores'],
  ['auth-file'],
  ['export'],
  ['runlog'],
  ['fleet'],
  ['embedded-postgres'],
  ['cli'],
];

const pathOf = (room) => `^src/${room}(/|\\.ts$)`;

const floors = FLOORS.flatMap((rooms, floor) =>
  rooms.map((room) => ({
    name: `${room}-imports-what-stands-below`,
    severity: 'error',
    from: { path: pathOf(room) },
    to: {
      path: '^src/',
      pathNot: [room, ...FLOORS.slice(0, floor).flat()].map(pathOf),
    },
  })),
);

/** The wings of `export/`; execution, which ties them together, knows them all. */
const WINGS = {
  model: [],
  ddl: ['model'],
  formats: ['model', 'ddl'],
  worker: ['model', 'formats'],
  publish: ['model', 'formats'],
  cdm: ['model', 'formats'],
  resume: ['model', 'formats', 'publish'],
  verify: ['model', 'formats'],
  compact: ['model', 'formats', 'worker', 'publish'],
  planning: ['model', 'ddl', 'formats', 'publish', 'resume'],
};

const wings = Object.entries(WINGS).map(([wing, below]) => ({
  name: `export-${wing}-imports-what-stands-below`,
  severity: 'error',
  from: { path: `^src/export/${wing}/` },
  to: { path: '^src/export/', pathNot: [wing, ...below].map((name) => `^src/export/${name}/`) },
}));

module.exports = {
  forbidden: [
    ...floors,
    ...wings,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'engines-do-not-know-each-other',
      severity: 'error',
      from: { path: ENGINE_FOLDER },
      to: { path: ENGINE_FOLDER, pathNot: '^src/sources/$1/' },
    },
    {
      name: 'stores-do-not-know-each-other',
      severity: 'error',
      from: { path: STORE_FOLDER },
      to: { path: STORE_FOLDER, pathNot: '^src/storage/$1/' },
    },
    {
      name: 'only-the-list-of-engines-knows-them',
      severity: 'error',
      from: { path: '^src/', pathNot: [ENGINE_FOLDER, '^src/engines\\.ts$'] },
      to: { path: ENGINE_FOLDER },
    },
    {
      name: 'only-the-list-of-stores-knows-them',
      severity: 'error',
      from: { path: '^src/', pathNot: [STORE_FOLDER, '^src/stores\\.ts$'] },
      to: { path: STORE_FOLDER },
    },
    {
      name: 'only-the-list-of-formats-knows-them',
      severity: 'error',
      from: { path: '^src/', pathNot: [FORMAT_FOLDER, '^src/export/formats/(formats|staged-naming)\\.ts$'] },
      to: { path: FORMAT_FOLDER },
    },
    {
      name: 'the-program-imports-no-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules|src/kernels/assembly)/' },
  },
};
