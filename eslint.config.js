import tseslint from 'typescript-eslint';

/** A word in lower case at the start of a sentence; commands, flags and names of files and tables may start one. */
const LOWER_CASE = "/^(?!lakeport |sqlite3 )[a-z]+(?:'[a-z]+)?[ ,:]/";

const MESSAGE = 'Property[key.name=/^(message|hint)$/]';

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
        ...SENTENCE_CASE.map((selector) => ({ selector, message: 'Start messages and hints with a capital letter.' })),
      ],
    },
  },
  { files: ['test/**'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  { files: ['bench/**', 'bin/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
