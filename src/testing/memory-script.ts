import type { Stop } from '../environment'
import type { MemoryServer, Refusal, SendJudge, ServerHandler } from './memory-server-types'

type CrashMoment = Parameters<MemoryServer['crashNext']>[0]

/** What a test told the server to do out of the ordinary. */
export interface Script extends Pick<MemoryServer, 'rejectNext' | 'rejectWhile' | 'crashNext' | 'on'> {
  readonly judge: SendJudge
  /** True once when that moment is the one to crash at. */
  takeCrash(moment: CrashMoment): boolean
  /** The app's latest handler of an event. */
  handler(event: string): ServerHandler | undefined
}

export function createScript(): Script {
  let judges: readonly { readonly judge: SendJudge; readonly isOnce: boolean }[] = []
  let handlers: readonly { readonly event: string; readonly handler: ServerHandler }[] = []
  let crash: CrashMoment | null = null

  const addJudge = (judge: SendJudge, isOnce: boolean): Stop => {
    const entry = { judge, isOnce }
    judges = [...judges, entry]
    return () => { judges = judges.filter((each) => each !== entry) }
  }

  const judge: SendJudge = (message, peer) => {
    for (const entry of judges) {
      const refusal = entry.judge(message, peer)
      if (refusal === null) continue
      if (entry.isOnce) judges = judges.filter((each) => each !== entry)
      return refusal
    }
    return null
  }

  return {
    judge,
    rejectNext: (refusal: Refusal | SendJudge) => addJudge(typeof refusal === 'function' ? refusal : () => refusal, true),
    rejectWhile: (each) => addJudge(each, false),
    crashNext: (moment) => { crash = moment },
    takeCrash(moment) {
      if (crash !== moment) return false
      crash = null
      return true
    },
    on(event, handler) {
      const entry = { event, handler }
      handlers = [...handlers, entry]
      return () => { handlers = handlers.filter((each) => each !== entry) }
    },
    handler: (event) => handlers.filter((each) => each.event === event).at(-1)?.handler,
  }
}
