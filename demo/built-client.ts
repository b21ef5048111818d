import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { build } from 'vite'
import { notFound, type Fallback } from './server/http'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const PAGE = 'index.html'
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
}

/**
 * The client, built once, in half a second, and kept in memory. It is not left to Vite's development server: that one reloads
 * a page whose server was gone or that was frozen, and nobody would see the chat recover in place.
 */
export async function buildClient(): Promise<Fallback> {
  const files = await buildFiles()
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return notFound(request, response)
    const path = (request.url ?? '/').split('?')[0]?.slice(1) || PAGE
    const file = files.get(path)
    if (file === undefined) return notFound(request, response)
    response.writeHead(200, { 'content-type': TYPES[extname(path)], 'cache-control': 'no-store' }).end(file)
  }
}

async function buildFiles(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const built = await build({
    configFile: false,
    root: here('./client'),
    logLevel: 'warn',
    plugins: [react()],
    resolve: {
      alias: [
        { find: /^redux-chat$/, replacement: here('../src/index.ts') },
        { find: /^redux-chat\/react$/, replacement: here('../src/react/index.ts') },
      ],
    },
    build: { write: false, reportCompressedSize: false },
  })
  const outputs = [built].flat().flatMap((result) => ('output' in result ? result.output : []))
  return new Map(outputs.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]))
}
