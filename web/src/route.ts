/** What the address says now, and how to change it. */

import { reactive, readonly } from 'vue'

import { formatRoute, parseRoute, type Route } from './address'

const current = reactive<Route>(parseRoute(window.location.search))

export const route = readonly(current)

/** Change parts of the address; what is not named stays, and Back returns to it. */
export function go(change: Partial<Route>): void {
  Object.assign(current, change)
  const address = `${window.location.pathname}${formatRoute(current)}`
  if (address !== window.location.pathname + window.location.search) window.history.pushState(null, '', address)
}

export function startRoute(): () => void {
  const back = (): void => { Object.assign(current, parseRoute(window.location.search)) }
  window.addEventListener('popstate', back)
  return () => { window.removeEventListener('popstate', back) }
}
