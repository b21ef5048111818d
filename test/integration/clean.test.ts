import { expect, it } from 'vitest'
import { openApp } from './support/app'
import { openOther, serveV1 } from './support/other-server'
import { createWatched, until } from './support/until'

const CYCLES = 200

const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Immediate/.test(name)).sort()

it('G9: 200 cycles of connecting and disconnecting leave no socket, timer or listener behind', async () => {
  const sockets = createWatched()
  const server = await openOther((io, changed) => {
    serveV1(io, changed, { capabilities: ['sync', 'ordered'] })
    io.engine.on('connection', (socket: { on(event: string, listener: () => void): void }) => {
      sockets.changed()
      socket.on('close', () => setImmediate(sockets.changed))
    })
  })
  const warnings: string[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', onWarning)
  const app = openApp({ url: server.url })
  app.connect()
  app.send('warm')
  await app.untilSent()
  app.disconnect()
  await until(sockets, () => server.io.engine.clientsCount === 0)
  const before = resources()

  for (let i = 0; i < CYCLES; i++) {
    app.connect()
    // Every third cycle ends before its connection is there, every fourth with a message in flight.
    if (i % 3 !== 0) await app.untilConnected()
    if (i % 4 === 0) app.send(String(i))
    app.disconnect()
    expect(app.connection().status).toBe('idle')
  }
  app.connect()
  await app.untilSent()
  app.disconnect()
  await until(sockets, () => server.io.engine.clientsCount === 0, () => server.io.engine.clientsCount)
  await new Promise((resolve) => { setImmediate(resolve) })
  expect(resources().length).toBeLessThanOrEqual(before.length + 2)
  expect(app.shown().filter((line) => !line.endsWith(':sent'))).toEqual([])
  expect(app.messages()).toHaveLength(1 + CYCLES / 4)
  expect(warnings).toEqual([])
  process.off('warning', onWarning)
  await server.close()
}, 15_000)
