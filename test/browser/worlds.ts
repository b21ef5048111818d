import { afterEach } from 'vitest'
import { launchBrowser, type Browser } from './harness'
import { startAckServer, type AckServer } from './start-ack-server'
import { createTcpProxy, type TcpProxy } from './tcp-proxy'

export interface World { readonly server: AckServer; readonly network: TcpProxy; readonly browser: Browser }

/** Gives each test that asks a server, the network to it and Chromium, which end with the test. */
export function createWorlds(): () => Promise<World> {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => { for (const cleanup of cleanups.splice(0).reverse()) await cleanup() })
  return async () => {
    const server = await startAckServer({ isOrdered: true })
    cleanups.push(server.close)
    const network = await createTcpProxy(server.port)
    cleanups.push(network.close)
    const browser = await launchBrowser('chromium')
    cleanups.push(browser.kill)
    return { server, network, browser }
  }
}
