import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The project. Bundles do not know it: they lie elsewhere. */
export const ROOT = here('../..')
export const CACHE = here('../../node_modules/.cache/redux-chat-bench')
export const BUILT = `${CACHE}/built`

/**
 * As its users run it: bundled with NODE_ENV replaced (reading `process.env` costs more than a dispatch), not through tsx, which wraps each
 * function that the hot path makes in a call of its own. Packages that are Node's own builds or no ES modules stay outside, for both sides.
 */
export const bundle = () => build({
  configFile: false, logLevel: 'error', root: ROOT,
  define: { 'process.env.NODE_ENV': '"production"' },
  ssr: { noExternal: true, external: ['stream-chat', 'mattermost-redux', 'fake-indexeddb', 'socket.io', 'socket.io-client', 'redux-persist', 'esbuild', 'vite', 'puppeteer-core'] },
  build: {
    ssr: true, minify: false, outDir: BUILT, emptyOutDir: true, target: 'node20',
    rolldownOptions: {
      input: {
        worker: here('./worker.ts'), server: here('./server.ts'),
        'cold-raw': here('./cold/raw.ts'), 'cold-app': here('./cold/app.ts'), 'cold-chat': here('./cold/chat.ts'), 'cold-start': here('./cold/start.ts'),
      },
    },
  },
})
