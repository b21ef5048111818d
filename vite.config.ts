import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^redux-chat$/, replacement: here('./src/index.ts') },
      { find: /^redux-chat\/react$/, replacement: here('./src/react/index.ts') },
      { find: /^redux-chat\/testing$/, replacement: here('./src/testing/index.ts') },
    ],
  },
  test: { include: ['test/**/*.test.ts', 'test/**/*.test.tsx'] },
})
