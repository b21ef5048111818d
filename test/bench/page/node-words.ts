/** What the runs use of Node, said in a browser's words. A page cannot ask for its processor time: the clock stands in for it. */
export function sayNodeWords(): void {
  const now = (): number => performance.now() * 1_000
  const { port1, port2 } = new MessageChannel()
  const due: (() => void)[] = []
  port1.onmessage = () => due.shift()?.()
  Object.assign(globalThis, {
    process: { cpuUsage: (before = { user: 0, system: 0 }) => ({ user: now() - before.user, system: 0 }) },
    setImmediate: (task: () => void) => {
      due.push(task)
      port2.postMessage(null)
    },
  })
}
