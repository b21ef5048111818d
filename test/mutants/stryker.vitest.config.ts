import { defineConfig } from 'vitest/config'

/** The fast tests of what Stryker mutates: the whole suite a thousand times over would take days. */
export default defineConfig({
  test: {
    include: [
      'test/policy/*.test.ts', 'test/state/*.test.ts',
      'test/guarantees/{model,delivery,attack-state,attack-limits,attack-bugs,views,receiving,odd-servers}.test.ts',
    ],
    testTimeout: 60_000,
    env: { MODEL_RUNS: '100' },
    // Stryker's copy lies below node_modules, where Vitest would take our own files for a package's.
    server: { deps: { inline: [/sandbox-/] } },
  },
  resolve: {
    alias: [
      { find: /^redux-chat$/, replacement: new URL('../../src/index.ts', import.meta.url).pathname },
      { find: /^redux-chat\/testing$/, replacement: new URL('../../src/testing/index.ts', import.meta.url).pathname },
    ],
  },
})
