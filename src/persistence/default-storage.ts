import type { RecordStorage } from './record-storage'
export const defaultStorage = (_name: string): RecordStorage | null => null
