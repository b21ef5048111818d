import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { buildPage, serveFolder } from './build-client'
import type { Page } from './harness'
import type { PageOptions, Report } from './page/app'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export interface ServedPage<O> {
  url(options: O): string
  /** Of the same origin, without the library. */
  readonly blank: string
  close(): void
}

export type TestPage = ServedPage<PageOptions>

/** The page in `page/`. */
export const serveTestPage = (): Promise<TestPage> => servePage<PageOptions>('page')

/** A page of a folder beside this file, built as for production and served at one origin as long as the tests run. */
export async function servePage<O extends object>(name: string): Promise<ServedPage<O>> {
  const folder = here(`../../node_modules/.cache/redux-chat/test-${name}`)
  // vitest's own `NODE_ENV` would turn the development checks on, which cost more than what is measured.
  await buildPage(here(`./${name}`), folder, {
    mode: 'production', define: { 'process.env.NODE_ENV': '"production"' }, oxc: { jsx: { runtime: 'automatic', development: false } },
  })
  const server = createServer(serveFolder(folder))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    blank: `http://127.0.0.1:${port}/blank.html`,
    url: (options) => `http://127.0.0.1:${port}/?${new URLSearchParams(Object.entries(options))}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Hands over each report the moment the page makes it. Not in WebKit. */
export const listenTo = (page: Page, hear: (report: Report) => void): Promise<void> =>
  page.expose('report', (text) => hear(JSON.parse(text)))

// What follows runs in the page.

export const view = (): ReturnType<Window['app']['view']> => window.app.view()

export const reports = (): readonly Report[] => window.app.reports

/** Everything is sent; or what failed, which waits for the user. */
export function isDrained(): boolean {
  const { status, unsent, failed } = window.app.view()
  return status === 'connected' && unsent === failed.length
}
