import type { Page } from './harness'

// What Chromium does to a page, on demand.

export async function freeze(tab: Page, isOn: boolean): Promise<void> {
  const tools = await tab.devTools()
  await tools.send('Page.setWebLifecycleState', { state: isOn ? 'frozen' : 'active' })
}

/** Ends the page's process, and waits for nothing: nobody is left to answer. */
export async function crash(tab: Page): Promise<void> {
  const tools = await tab.devTools()
  const gone = new Promise<void>((resolve) => { tools.once('Inspector.targetCrashed', () => resolve()) })
  await tools.send('Inspector.enable')
  tools.send('Page.crash').catch(() => undefined)
  await gone
}
