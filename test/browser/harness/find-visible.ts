import type { Target } from './driver'

/**
 * Runs in the page, so it may use nothing from outside itself. One implementation of role and name for all engines: enough of
 * the ARIA rules for native controls, `aria-label`, `aria-labelledby`, `<label>` and text.
 */
export function findVisible(target: Target): Element | null {
  const NATIVE: Record<string, string> = {
    button: 'button, summary, input[type=button], input[type=submit]',
    textbox: 'textarea, input:not([type]), input[type=text]',
    checkbox: 'input[type=checkbox]:not([role])',
    link: 'a[href]',
  }
  const text = (value: string | null | undefined): string => (value ?? '').replace(/\s+/g, ' ').trim()

  function nameOf(element: Element): string {
    const ids = element.getAttribute('aria-labelledby')?.split(/\s+/) ?? []
    if (ids.length > 0) return text(ids.map((id) => document.getElementById(id)?.textContent).join(' '))
    if (element.hasAttribute('aria-label')) return text(element.getAttribute('aria-label'))
    const labels = 'labels' in element && element.labels instanceof NodeList ? [...element.labels] : []
    if (labels.length > 0) return text(labels.map((label) => label.textContent).join(' '))
    return text(element.textContent) || text(element.getAttribute('title'))
  }

  function isUsable(element: Element): boolean {
    const { width, height } = element.getBoundingClientRect()
    const { visibility } = getComputedStyle(element)
    return width > 0 && height > 0 && visibility === 'visible' && !element.matches(':disabled, [aria-disabled=true], [inert] *')
  }

  function candidates(): Element[] {
    if (typeof target === 'string') return [...document.querySelectorAll(target)]
    const root = target.within === undefined ? document : document.querySelector(target.within)
    const native = NATIVE[target.role]
    const selector = `[role="${target.role}"]${native === undefined ? '' : `, ${native}`}`
    return [...(root?.querySelectorAll(selector) ?? [])].filter((element) => nameOf(element) === target.name)
  }

  const found = candidates().find(isUsable) ?? null
  found?.scrollIntoView({ block: 'nearest' })
  return found
}
