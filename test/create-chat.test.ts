import { ChatConfigError, createChat } from 'redux-chat'
import { describe, expect, it } from 'vitest'

/** What a mistake is told, or null when there is none. */
function complaint(config: object): string | null {
  try {
    createChat({ url: 'https://chat.example.com', token: 'raw.jwt.token', ...config })
    return null
  } catch (reason) {
    if (!(reason instanceof ChatConfigError)) throw reason
    return `${reason.code}: ${reason.message}`
  }
}

describe('createChat', () => {
  it('takes every option at its limit, and one that is undefined as not given', () => {
    expect(complaint({
      reconnection: { attempts: 0, delayMs: 0, jitter: 0, timeoutMs: undefined }, auth: { renewBeforeMs: 0 },
      delivery: { retryForMs: Infinity, maxAttempts: 1, backoff: { baseMs: 0 } }, history: { pageSize: 1, windowSize: 1, maxChannels: 0 },
    })).toBeNull()
  })

  it('tells that the url is missing when nothing at all is given', () => {
    expect(() => createChat(undefined as never)).toThrow(expect.objectContaining({ code: 'url_missing' }))
  })

  it.each([
    [{ url: '' }, /^url_missing: .*address/],
    [{ token: undefined }, /^token_missing: .*getToken/],
    [{ token: '' }, /^token_missing/],
    // What a bundler makes of `import storage from 'redux-persist/lib/storage'`.
    [{ storage: { default: {} } }, /^storage_invalid: .*getItem.*redux-persist\/es\/storage/],
    [{ storage: true }, /^storage_invalid/],
    [{ token: undefined, getToken: 'raw.jwt.token' }, /^token_missing: .*getToken \(a function\)/],
    [{ events: { 'message:new': () => ({ type: 'x' }) } }, /^event_taken: .*"message:new".*chat\.facts/],
    [{ protocol: { names: { 'message:new': 'msg' } }, events: { msg: () => ({ type: 'x' }) } }, /^event_taken: .*"msg"/],
    [{ protocol: { names: { 'message:read': 'mark', 'message:delivered': 'mark' } } }, /^protocol_names_clash: .*"mark"/],
    [{ events: { disconnect: () => ({ type: 'x' }) } }, /^event_reserved: .*"disconnect".*connectionLost/],
    [{ emits: { connect: { action: () => ({ type: 'x' }) } } }, /^event_reserved: .*"connect"/],
    [{ protocol: { names: { 'message:send': 'disconnecting' } } }, /^event_reserved: .*"disconnecting"/],
    [{ token: null }, /^token_missing/],
    [{ history: null }, /^option_invalid: .*history must be an object with any of pageSize, .* not null/],
    [{ reconnection: false }, /^option_invalid: .*reconnection must be an object .* not false/],
    [{ delivery: { backoff: null } }, /^option_invalid: .*delivery\.backoff must be an object/],
    [{ token: 'Bearer raw.jwt.token' }, /^bearer_prefix: .*raw JWT/],
    [{ reducerPath: '' }, /^reducer_path_empty/],
    [{ reconnection: { attempts: -1 } }, /^option_invalid: .*reconnection\.attempts must be a number of at least 0, not -1/],
    [{ reconnection: { delayMs: NaN } }, /^option_invalid: .*reconnection\.delayMs/],
    [{ delivery: { maxAttempts: 0 } }, /^option_invalid: .*delivery\.maxAttempts must be a number of at least 1/],
    [{ delivery: { ackTimeoutMs: '10s' } }, /^option_invalid: .*delivery\.ackTimeoutMs .* not 10s/],
    [{ delivery: { backoff: { maxMs: -5 } } }, /^option_invalid: .*delivery\.backoff\.maxMs/],
    [{ history: { windowSize: 0 } }, /^option_invalid: .*history\.windowSize/],
    [{ history: { pagesize: 20 } }, /^option_unknown: .*no option "pagesize"; use one of pageSize, windowSize, maxChannels/],
  ])('says what to do about %j', (config, message) => {
    expect(complaint(config)).toMatch(message)
  })
})
