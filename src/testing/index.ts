/** Named here too: what is inferred of a test environment has to be nameable by whoever imports nothing else. */
export type { Environment } from '../environment'
export type { RecordStorage } from '../persistence/record-storage'
export { createManualClock, type ManualClock } from './manual-clock'
export { createSeededIds, createSeededRandom } from './seeded'
export { createManualLifecycle, type ManualLifecycle } from './manual-lifecycle'
export { createMemoryServer } from './memory-server'
export type {
  AuthResult, MemoryServer, MemoryServerOptions, PushedMessage, ReceivedEvent, Refusal, SendJudge, ServerHandler, ServerPeer,
} from './memory-server-types'
export type { LogMessage, MemberMarks, ReceiptMarks } from './memory-log'
export { createMemoryTransport, type MemoryTransport, type MemoryTransportOptions, type Network } from './memory-transport'
export type { Fault, FaultAction, FaultRule, PacketDirection } from './memory-faults'
export type { NetworkMode } from './memory-link'
export { createMemoryLocks, type MemoryLocks } from './memory-locks'
export { createTestEnvironment, type TestEnvironment, type TestEnvironmentOptions } from './test-environment'
