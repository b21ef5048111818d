import type { Fact } from './trace'

/** One system under the checker. A fresh one is made for each order of each trace. */
export interface Subject {
  apply(fact: Fact): void
  /** Keys of what a channel shows, oldest first. */
  shown(): readonly string[]
  /** How far `userId` has read, on any scale that grows; null where the system keeps no such thing. */
  readMark(userId: string): number | null
}

export interface System {
  readonly name: string
  readonly create: () => Subject
}
