import fc from 'fast-check'
import type { ReceiptEvent } from '../../src/model'
import {
  ack, answer, apply, channelOf, commands, commit, compose, crash, createWorld, cut, echo, emit, entryOf, isWaiting, leave, logOf, ME, receipt, reports,
  reportStored, request, restore, write, type Tracked, type World,
} from './model-world'

/** One fact, once. `can` is what the real world demands before it; the order of all else is free. */
export interface Step {
  readonly name: string
  readonly can: (world: World) => boolean
  readonly run: (world: World) => void
}

export interface Run {
  readonly world: World
  readonly messages: readonly Tracked[]
  readonly steps: readonly Step[]
}

const times = (count: number, make: (i: number) => Step): Step[] => Array.from({ length: count }, (_, i) => make(i))

const isReachable = (world: World, id: string): boolean => world.restored || !world.disk.has(id)

type Copies = (at: number) => number

/** My message, from the dispatch on. `copies` says how often each fact comes. */
function sendSteps(message: Tracked, name: string, content: string, copies: Copies): Step[] {
  const entry = (world: World) => entryOf(world, message.id)
  return [
    // An id is made at its dispatch, so a dispatch comes once and before all else.
    { name: `compose ${name}`, can: () => message.id === '', run: (world) => compose(world, message, content) },
    // Delivery emits what is queued, not failed and not in flight; while the stored queue is being read it emits nothing.
    ...times(copies(0), () => ({
      name: `emit ${name}`,
      can: (world: World) => world.restored && entry(world)?.lease === null && entry(world)?.failure === null,
      run: (world: World) => emit(world, message),
    })),
    // The server commits an id once, and only what has left the tab.
    { name: `commit ${name}`, can: () => message.onTheWire && !message.committed, run: (world) => commit(world, message, ME, content) },
    // An ack answers an emit of this life of the page: after a crash nobody is left to hear it.
    ...times(copies(1), () => ({ name: `ack ${name}`, can: () => message.committed !== null && message.emits > 0, run: (world: World) => ack(world, message) })),
    // An echo comes while its message can be reached; after the restore it may be late.
    ...times(copies(2), () => ({
      name: `echo ${name}`,
      can: (world: World) => message.committed !== null && isReachable(world, message.id),
      run: (world: World) => { if (message.committed) echo(world, message.committed) },
    })),
  ]
}

const late = (attempt: number) => ({ code: 'expired', message: 'late', retryable: true, attempt })

/** What goes wrong with my message, and what the user does about it. */
function troubleSteps(message: Tracked, name: string, copies: Copies, isDiscarded: boolean): Step[] {
  const target = () => ({ id: message.id, channelId: message.channelId, at: 3 })
  const entry = (world: World) => entryOf(world, message.id)
  return [
    // The outcome of any attempt of this life, also of one that is long over.
    ...times(copies(3), (i) => ({
      name: `delay ${name}`, can: () => message.emits > 0,
      run: (world: World) => {
        const attempt = Math.max(1, message.emits - i)
        world.queue.delayed(message.id, attempt, isWaiting(world))
        apply(world, reports.messageDelayed({ ...target(), attempt, nextAttemptAt: 9, spent: true, reason: late(attempt) }))
      },
    })),
    // The tab itself fails what is used up or refused. Told of a message that the server has, the reducer must not believe it.
    ...times(copies(4), () => ({
      name: `fail ${name}`, can: () => message.id !== '',
      run: (world: World) => {
        const error = { id: 'e', type: 'message_failed', code: 'expired', message: 'late', at: 3, retryable: true } as const
        apply(world, reports.messageFailed({ ...target(), attempt: message.emits, failure: late(message.emits), error }))
        if (!world.oracle.isCommitted(message.id)) world.oracle.failed(message.id)
        world.queue.failed(message.id)
      },
    })),
    // The user can retry what is shown as failed only.
    ...times(copies(5), () => ({
      name: `retry ${name}`, can: (world: World) => (entry(world)?.failure ?? null) !== null,
      run: (world: World) => {
        const action = commands.retryMessage({ id: message.id })
        apply(world, action)
        world.oracle.retried(message.id)
        world.queue.retried(message.id, action.meta.at)
      },
    })),
    // The user can discard what is shown as unsent only.
    ...times(isDiscarded ? 1 : 0, () => ({
      name: `discard ${name}`, can: (world: World) => entry(world) !== undefined,
      run: (world: World) => {
        apply(world, commands.discardMessage({ id: message.id }))
        world.oracle.discarded(message.id)
      },
    })),
  ]
}

function foreignSteps(message: Tracked, name: string, content: string, copies: Copies): Step[] {
  message.id = `theirs-${name}`
  return [
    { name: `commit ${name}`, can: () => !message.committed, run: (world) => commit(world, message, 'bob', content) },
    ...times(copies(0), () => ({
      name: `echo ${name}`, can: () => message.committed !== null,
      run: (world: World) => { if (message.committed) echo(world, message.committed) },
    })),
    // My mark names a message that I see.
    ...times(copies(1) - 1, () => ({
      name: `markRead ${name}`,
      can: (world: World) => channelOf(world, message.channelId).messages.flat().some(({ id }) => id === message.id),
      run: (world: World) => {
        apply(world, commands.markRead({ channelId: message.channelId, messageId: message.id }))
        world.oracle.receipt({ kind: 'read', channelId: message.channelId, userId: ME, messageId: message.id })
      },
    })),
  ]
}

interface ReceiptPlan {
  readonly channel: number
  readonly kind: 'delivered' | 'read'
  readonly userId: string
  readonly place: number
  readonly byId: boolean
}

/** Nobody has received what is not committed; the news of it may still come before the message. */
function receiptSteps(channelId: string, { kind, userId, place, byId }: ReceiptPlan, copies: number): Step[] {
  let told: ReceiptEvent | null = null
  return times(copies, () => ({
    name: `${kind} by ${userId} in ${channelId}`,
    can: (world: World) => logOf(world, channelId).length > 0,
    run: (world: World) => {
      const log = logOf(world, channelId)
      const message = log[place % log.length]
      if (!message) return
      told ??= { kind, channelId, userId, ...(byId || message.seq === undefined ? { messageId: message.id } : { seq: message.seq }) }
      receipt(world, told)
    },
  }))
}

function channelSteps(channelId: string, copies: Copies): Step[] {
  const isIdle = (direction: string) => (world: World) => !world.requests.has(direction + channelId)
  const isAsked = (direction: string) => (world: World) => world.requests.has(direction + channelId)
  return (['newer', 'older'] as const).flatMap((direction, at) => [
    ...times(copies(at), () => ({
      name: `ask ${direction} of ${channelId}`,
      // The same known hole as with an echo. One request a direction, and history only where there is some.
      can: (world: World) => world.restored && isIdle(direction)(world) && (direction === 'newer' || channelOf(world, channelId).hasOlder),
      run: (world: World) => request(world, direction, channelId),
    })),
    ...times(copies(at), () => ({
      name: `page ${direction} of ${channelId}`, can: isAsked(direction), run: (world: World) => answer(world, direction, channelId),
    })),
  ])
}

function tabSteps(messages: readonly Tracked[], crashes: number, cuts: number, writes: number): Step[] {
  return [
    ...times(crashes, () => ({ name: 'crash', can: (world: World) => world.restored, run: (world: World) => crash(world, messages) })),
    // The device is read once in each life, and what the user does meanwhile does not wait for it.
    ...times(crashes, () => ({ name: 'restore', can: (world: World) => !world.restored, run: restore })),
    ...times(cuts, () => ({ name: 'cut', can: () => true, run: cut })),
    ...times(cuts, () => ({ name: 'leave', can: () => true, run: leave })),
    ...times(writes, () => ({ name: 'write', can: (world: World) => world.edits.size > 0, run: write })),
    ...times(writes, () => ({ name: 'stored', can: (world: World) => world.unreported.length > 0, run: reportStored })),
  ]
}

export interface Plan {
  readonly channels: number
  readonly seqs: boolean
  readonly pageSize: number
  readonly messages: readonly { readonly channel: number; readonly own: boolean; readonly copies: number; readonly discard: boolean }[]
  readonly receipts: readonly ReceiptPlan[]
  readonly copies: number
  readonly crashes: number
  readonly cuts: number
  readonly picks: readonly number[]
}

const copies = fc.nat({ max: 3 ** 8 - 1 })
const channel = fc.nat({ max: 2 })

export const plans: fc.Arbitrary<Plan> = fc.record({
  channels: fc.integer({ min: 1, max: 3 }),
  seqs: fc.constantFrom(true, true, true, false),
  pageSize: fc.constantFrom(6, 6, 1, 2, 3),
  messages: fc.array(fc.record({ channel, own: fc.constantFrom(true, true, false), copies, discard: fc.constantFrom(false, false, true) }), { minLength: 1, maxLength: 6 }),
  receipts: fc.array(fc.record({
    channel, kind: fc.constantFrom('delivered', 'read'), userId: fc.constantFrom('bob', 'carol', ME), place: fc.nat({ max: 5 }), byId: fc.boolean(),
  }), { maxLength: 5 }),
  copies,
  crashes: fc.nat({ max: 2 }),
  cuts: fc.nat({ max: 2 }),
  picks: fc.array(fc.nat({ max: 127 }), { minLength: 1, maxLength: 120 }),
})

/** Digits to the base of 3: each fact comes once, twice or three times. */
const digit = (copies: number) => (at: number): number => 1 + (Math.floor(copies / 3 ** at) % 3)

/** Every other message says the same: only its id tells one from another. */
export const contentOf = (at: number): string => `text ${at % 2}`

export function runOf(plan: Plan): Run {
  const names = ['general', 'random', '__proto__'].slice(0, plan.channels)
  const nameOf = (at: number): string => names[at % names.length] ?? 'general'
  const messages = plan.messages.map(({ channel: at, own }): Tracked => ({ channelId: nameOf(at), own, id: '', emits: 0, onTheWire: false, committed: null }))
  const steps = [
    ...messages.flatMap((message, i) => {
      const { copies: count = 0, discard = false } = plan.messages[i] ?? {}
      if (message.own) return [...sendSteps(message, `m${i}`, contentOf(i), digit(count)), ...troubleSteps(message, `m${i}`, digit(count), discard)]
      return foreignSteps(message, `m${i}`, contentOf(i), digit(count))
    }),
    ...plan.receipts.flatMap((each, i) => receiptSteps(nameOf(each.channel), each, digit(plan.copies)(i))),
    ...(plan.seqs ? names.flatMap((name, i) => channelSteps(name, (at) => digit(plan.copies)(i + at))) : []),
    ...tabSteps(messages, plan.crashes, plan.cuts, 3),
  ]
  return { world: createWorld(names, plan.seqs, plan.pageSize), messages, steps }
}

/** Takes, at each pick, the next fact whose time can have come; facts whose time never comes are left. */
export function* schedule({ world, steps }: Run, picks: readonly number[]): Generator<Step> {
  const left = [...steps]
  for (const pick of picks) {
    const from = pick % Math.max(1, left.length)
    const at = left.findIndex((step, i) => i >= from && step.can(world))
    const found = at === -1 ? left.findIndex((step) => step.can(world)) : at
    const [step] = found === -1 ? [] : left.splice(found, 1)
    if (!step) return
    step.run(world)
    yield step
  }
}
