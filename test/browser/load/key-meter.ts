import { spreadOf, type Spread } from './meter'

/** Each from the moment the browser got the key, in milliseconds. */
export interface KeyReport {
  /** To the first listener: how long the key waited for the page. */
  readonly waited: Spread
  /** To the end of all that the key changed, React's commit included. */
  readonly handled: Spread
  /** To the first task after the next frame was made. */
  readonly painted: Spread
}

export function createKeyMeter() {
  let waited: number[] = []
  let handled: number[] = []
  let painted: number[] = []
  let pressedAt = 0

  window.addEventListener('keydown', ({ timeStamp }) => {
    pressedAt = timeStamp
    waited.push(performance.now() - timeStamp)
  }, { capture: true })
  // React listens below the window and has asked for its own microtask before this one.
  window.addEventListener('input', () => {
    const from = pressedAt
    queueMicrotask(() => handled.push(performance.now() - from))
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.addEventListener('message', () => painted.push(performance.now() - from))
      port1.start()
      port2.postMessage(null)
    })
  })
  return {
    start(): void {
      waited = []
      handled = []
      painted = []
    },
    report: (): KeyReport => ({ waited: spreadOf(waited), handled: spreadOf(handled), painted: spreadOf(painted) }),
  }
}
