import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal, refuseForGood } from './refusal'

/** Answers one JSON request; `body` is undefined for a GET. */
export type Route = (body: unknown) => Promise<object>

/** By method and path, e.g. `POST /identity/token`. */
export type Routes = ReadonlyMap<string, Route>

/** What the server does with a request that is none of its own. */
export type Fallback = (request: IncomingMessage, response: ServerResponse) => void

const MAX_BODY_BYTES = 65_536

export function createRequestListener(routes: Routes, fallback: Fallback, onError: (error: unknown) => void): Fallback {
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0]
    const route = routes.get(`${request.method} ${path}`)
    if (route === undefined) return fallback(request, response)
    readBody(request).then(route).then(
      (answer) => reply(response, 200, answer),
      (error: unknown) => replyError(response, error, onError))
  }
}

export const notFound: Fallback = (_request, response) => reply(response, 404, { error: { code: 'not_found', message: 'no such page' } })

// The content type is insisted on because a page of another site can post forms here, but not JSON, without being asked first.
async function readBody(request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return undefined
  if (!request.headers['content-type']?.startsWith('application/json')) {
    throw refuseForGood('invalid_payload', 'unable to read the request: its content-type must be application/json')
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > MAX_BODY_BYTES) throw refuseForGood('too_large', 'unable to read the request: it is too large')
    chunks.push(buffer)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw refuseForGood('invalid_payload', 'unable to read the request: it is not JSON')
  }
}

function replyError(response: ServerResponse, error: unknown, onError: (error: unknown) => void): void {
  if (error instanceof Refusal) return reply(response, 400, { error: { code: error.code, message: error.message } })
  onError(error)
  reply(response, 500, { error: { code: 'internal', message: 'unable to answer: the server met an error' } })
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}
