import tseslint from 'typescript-eslint';

/** A word in lower case at the start of a sentence; commands, flags and names of files and tables may start one. */
const LOWER_CASE = "/^(?!lakeport |sqlite3 )[a-z]+(?:'[a-z]+)?[ ,:]/";

const MESSAGE = 'Property[key.name=/^(message|hint)$/]';

/** A view that leaves out where the array begins, which is rarely at its buffer's start: in the kernels' memory, never. */
const WHOLE_BUFFER = {
  selector: "NewExpression[callee.name='DataView'][arguments.length=1][arguments.0.property.name='buffer']",
  message: 'Use viewOf: the array may begin in the middle of its buffer.',
};

/** Users read messages and hints side by side, so all of them are in sentence case. */
const SENTENCE_CASE = [MESSAGE, `${MESSAGE} > ConditionalExpression`].flatMap((place) => [
  `${place} > Literal[value=${LOWER_CASE}]`,
  `${place} > TemplateLiteral > TemplateElement:first-child[value.raw=${LOWER_CASE}]`,
]);

export default tseslint.config(
  { ignores: ['dist/', 'src/kernels/assembly/', 'coverage/', 'node_modules/', 'lakeport-demo/', 'exports/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'bin/lakeport.js', '.dependency-cruiser.cjs'] },
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/main.ts', 'src/environment.ts', 'src/cli/process/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/environment.ts reads the environment.' },
        ...['argv', 'stdin', 'stdout', 'stderr', 'exit', 'exitCode'].map((property) => ({
          object: 'process',
          property,
          message: 'Only src/main.ts and src/cli/process have to do with it; take it from the context.',
        })),
      ],
      'no-restricted-imports': ['error', { name: 'node:process', message: 'Use the global process.' }],
    },
  },
  {
    files: ['src/**'],
    // Their messages follow the name of an entry or of a field.
    ignores: ['src/auth/auth-file.ts', 'src/auth/fields.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        WHOLE_BUFFER,
        ...SENTENCE_CASE.map((selector) => ({ selector, message: 'Start messages and hints with a capital letter.' })),
      ],
    },
  },
  {
    files: ['src/auth/auth-file.ts', 'src/auth/fields.ts'],
    rules: { 'no-restricted-syntax': ['error', WHOLE_BUFFER] },
  },
  { files: ['test/**'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  { files: ['bench/**', 'bin/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
