import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type InlineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Builds a page with the library's sources in the place of its package. */
export async function buildPage(root: string, folder: string, config: Pick<InlineConfig, 'mode' | 'plugins' | 'define' | 'oxc'>): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ...config,
    resolve: {
      alias: [
        { find: /^redux-chat$/, replacement: here('../../src/index.ts') },
        { find: /^redux-chat\/react$/, replacement: here('../../src/react/index.ts') },
        { find: /^redux-chat\/testing$/, replacement: here('../../src/testing/index.ts') },
      ],
    },
    build: { outDir: folder, emptyOutDir: true, minify: false, reportCompressedSize: false },
  })
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2',
}

/** Any path without a file is the page itself. */
export const serveFolder = (folder: string) => (request: IncomingMessage, response: ServerResponse): void => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const isFile = extname(pathname) in TYPES
  const path = join(folder, normalize(isFile ? pathname : '/index.html'))
  readFile(path).then(
    (body) => response.writeHead(200, { 'content-type': TYPES[extname(path)], 'cache-control': 'no-store' }).end(body),
    () => response.writeHead(404).end())
}
