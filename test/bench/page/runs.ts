import { chatDrain, chatReceive, chatSend } from '../chat-runs'
import { rawReceive, rawSend } from '../raw-runs'
import { sayNodeWords } from './node-words'

/** What a page offers to be measured: with the real IndexedDB, or with none. */
export const runs = {
  rawSend, rawReceive, chatReceive,
  send: (url: string, count: number, channels: number, inFlight: number) => chatSend(url, count, channels, inFlight, {}),
  sendOff: (url: string, count: number, channels: number, inFlight: number) => chatSend(url, count, channels, inFlight, { storage: false }),
  drain: (url: string, count: number) => chatDrain(url, count, {}),
  drainOff: (url: string, count: number) => chatDrain(url, count, { storage: false }),
}

sayNodeWords()
Object.assign(window, { runs })
