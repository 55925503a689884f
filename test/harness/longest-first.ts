import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, longest first: if started last, they would run alone while other workers are idle. */
const LONGEST = [
  'export/killed-runs',
  'storage/s3/other-servers',
  'values/foreign-readers',
  'export/suspended-runs',
  'cli/run-log',
  'storage/trouble',
  'values/statistics',
  'postgres/encodings',
  'export/routes',
  'cli/log-database',
  'cli/signals',
  'export/retries',
  'mssql/slices',
];

/** Runs long files first, regardless of cached results of earlier runs. */
export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(`test/integration/${name}.test.ts`));
      return index === -1 ? LONGEST.length : index;
    };
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)));
  }
}
