/** What had the focus is gone by what it did: reading goes on at the messages, and not at the top of the page. */
export const focusLog = (): void => document.querySelector<HTMLElement>('[role=log]')?.focus()

/** Where what was put back is to be changed. */
export const focusComposer = (): void => document.querySelector<HTMLElement>('.composer textarea')?.focus()
