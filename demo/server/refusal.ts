import type { SocketErrorBody, SocketResponse } from '../../src/model'

/** A request that the server turns down, with the code that goes to the client. The only error class of the server. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, options: RefusalOptions) {
    super(message)
    this.code = code
    this.retryable = options.retryable
    this.retryAfterMs = options.retryAfterMs
  }
}

export interface RefusalOptions {
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
  readonly retryAfterMs?: number
}

export const createRefusal = (code: string, message: string, options: RefusalOptions): Refusal =>
  new Refusal(code, message, options)

export const refuseForGood = (code: string, message: string): Refusal => createRefusal(code, message, { retryable: false })

export const forbidden = (message: string): Refusal => refuseForGood('forbidden', message)

export const succeed = <T>(data: T): SocketResponse<T> => ({ success: true, data })

export function refusalBody({ code, message, retryable, retryAfterMs }: Refusal): SocketErrorBody {
  return { code, message, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/**
 * Whatever a handler threw, as a refusal. An unknown error says nothing about itself to the client (it may name tables or
 * hosts) and is retryable, except when the database calls the data itself impossible (SQLSTATE class 22): that never heals.
 */
export function toRefusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown
  if (sqlState(thrown).startsWith('22')) return refuseForGood('invalid_payload', 'unable to store this: the data is not acceptable')
  return createRefusal('internal', 'unable to answer: the server met an error; try again', { retryable: true })
}

/** The SQLSTATE of a database error, or ''. */
export function sqlState(thrown: unknown): string {
  const code: unknown = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}
