import type { CDPSession } from 'puppeteer-core'

/** What the scenarios need of a browser: the same for every engine. */
export type EngineName = 'chromium' | 'firefox' | 'webkit'

export interface LaunchOptions {
  /** Folder for what the browser keeps; it outlives the browser, so that the next launch finds it. Default: one of its own. */
  readonly profile?: string
  /** Chromium only: a page that was left may come back as it was, as users have it; automation turns that off. */
  readonly keepsLeftPages?: boolean
}

export interface WaitOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number
}

/** Runs in the page: sent as its source text, it sees its arguments and the page, nothing else. */
export type InPage<A extends readonly Json[], R> = (...args: A) => R

export interface Browser {
  /** Engine and version, for reports. */
  readonly name: string
  /** A window of its own, in front, or a tab of one that is there; all pages of one browser share its storage. */
  newPage(kind?: PageKind): Promise<Page>
  close(): Promise<void>
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
}

export type PageKind = 'window' | 'tab'

/** What a click or the keyboard is aimed at: CSS, or what a user of a screen reader would call it. */
export type Target = string | RoleTarget

export interface RoleTarget {
  readonly role: string
  /** The exact accessible name. */
  readonly name: string
  /** CSS of the part of the page to look in. */
  readonly within?: string
}

export interface Page {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** The value of an expression or of a function, awaited. */
  evaluate<R>(script: string): Promise<R>
  evaluate<A extends readonly Json[], R>(script: InPage<A, R>, ...args: A): Promise<Awaited<R>>
  /** Waits until the target is there, visible and enabled. */
  click(target: Target): Promise<void>
  /** Clicks the target, then types; `\n` is the Enter key. */
  type(target: Target, text: string): Promise<void>
  /** Resolves to the first truthy answer; rejects when time is up, naming the predicate and what it last saw. */
  waitFor<A extends readonly Json[], R>(predicate: InPage<A, R>, args: A, options?: WaitOptions): Promise<NonNullable<Awaited<R>>>
  resize(size: { width: number; height: number }): Promise<void>
  /** The visible part of the page, as PNG. */
  screenshot(path: string): Promise<void>
  /** Gives the page, in each of its lives, a function `name` whose text argument is heard here at once. Not in WebKit. */
  expose(name: string, hear: (text: string) => void): Promise<void>
  /** Chromium only: what no user can do. */
  devTools(): Promise<CDPSession>
  close(): Promise<void>
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** The few things that differ between the ways to drive a browser. */
export interface RawPage {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** The value of an expression, its promise awaited. */
  run(expression: string): Promise<unknown>
  /** A real click in the middle of the element that the expression gives. */
  clickElement(expression: string): Promise<void>
  /** Keys to whatever has the focus. */
  press(text: string): Promise<void>
  resize(size: { width: number; height: number }): Promise<void>
  screenshot(path: string): Promise<void>
  expose(name: string, hear: (text: string) => void): Promise<void>
  devTools(): Promise<CDPSession>
  close(): Promise<void>
}
