import type { RecordStorage } from './record-storage'
export function createKeyValueStorage(_o: { name: string; storage: unknown }): RecordStorage { throw new Error('x') }
