/** The one interface that every browser scenario is written against; an engine behind it is a detail. */

export type EngineName = 'chromium' | 'firefox' | 'webkit'

/** CSS, or CSS and a part of what the element shows or is labelled with. Hidden elements are never found. */
export type Target = string | { readonly css: string; readonly text: string }

export interface WaitOptions { readonly timeoutMs?: number }

/** Runs in the page: no closures, arguments and result as JSON; a promise is awaited. A string is an expression. */
export type InPage<A extends readonly unknown[], T> = string | ((...args: A) => T | Promise<T>)

export interface Page {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  url(): Promise<string>
  evaluate<A extends readonly unknown[], T>(task: InPage<A, T>, ...args: A): Promise<T>
  /** Each of the next four waits until the element is there, visible and enabled. */
  click(target: Target, options?: WaitOptions): Promise<void>
  /** Real key presses, after a click into the element; what it held stays. */
  type(target: Target, text: string, options?: WaitOptions): Promise<void>
  text(target: Target, options?: WaitOptions): Promise<string>
  waitFor(target: Target, options?: WaitOptions): Promise<void>
  /** Until the predicate gives something truthy, which is returned. Survives navigation and reload. */
  waitUntil<A extends readonly unknown[], T>(predicate: InPage<A, T>, options?: WaitOptions & { readonly args?: A }): Promise<T>
  /** One key for whatever has the focus: `Enter`, `Tab`, `Escape`, an arrow, or a character. */
  press(key: string): Promise<void>
  /** A PNG at this path; its folder is made. */
  screenshot(path: string): Promise<void>
  setViewport(width: number, height: number): Promise<void>
  close(): Promise<void>
}

export interface Browser {
  readonly name: EngineName
  readonly version: string
  /** A new window, in the same profile as the others: they share storage and locks as tabs do. */
  newPage(url: string): Promise<Page>
  close(): Promise<void>
  /** Ends every process of the browser with SIGKILL, and keeps the profile of `LaunchOptions`. */
  kill(): Promise<void>
}

export interface LaunchOptions {
  /** A folder that outlives the browser: launch again with the same one to find its storage. Default: a new one, removed at the end. */
  readonly profile?: string
}

/** What one engine does for `createPage`; nothing in it waits for elements. */
export interface RawPage extends Pick<Page, 'goto' | 'reload' | 'url' | 'press' | 'setViewport' | 'close'> {
  evaluate(expression: string): Promise<unknown>
  /** The element that this expression gives, if it gives one. */
  find(expression: string): Promise<RawElement | null>
  capture(): Promise<Uint8Array>
}

export interface RawElement {
  click(): Promise<void>
  type(text: string): Promise<void>
}
