/** What the live socket has said so far, merged; grows only with the estate. */

import { shallowReactive } from 'vue'

import type { Alert, LiveMessage, PlacePower, Vehicle } from '../api/types'

/** Resolved alerts kept for the "recently resolved" list. */
export const RESOLVED_KEPT = 20

export interface LiveState {
  power: Map<string, PlacePower>
  vehicles: Map<string, Vehicle>
  /** Firing and stale alerts by id. */
  open: Map<string, Alert>
  /** Newest first. */
  resolved: Alert[]
}

/** What a message means to those who don't read the state: news, not data. */
export interface News {
  /** Alerts that started firing with this message, and not on history: worth announcing. */
  fired: Alert[]
  resolved: Alert[]
  /** Places whose consumption figures changed; 'all' after a connection was (re)made. */
  ledger: string[] | 'all'
}

export function emptyState(): LiveState {
  return {
    power: shallowReactive(new Map<string, PlacePower>()),
    vehicles: shallowReactive(new Map<string, Vehicle>()),
    open: shallowReactive(new Map<string, Alert>()),
    resolved: shallowReactive([]),
  }
}

function replaceAll<Item>(into: Map<string, Item>, items: Item[], key: (item: Item) => string): void {
  const wanted = new Set(items.map(key))
  for (const id of [...into.keys()]) if (!wanted.has(id)) into.delete(id)
  for (const item of items) into.set(key(item), item)
}

/** Whether something newer is known of it: answers and messages may overtake one another. */
function isPast(alert: Alert, known: Alert | undefined): boolean {
  return known !== undefined && alert.events < known.events
}

/** Put alerts into the recently resolved list: newest first, one an id, bounded. */
export function addResolved(state: LiveState, alerts: Alert[]): void {
  const byId = new Map(state.resolved.map((alert) => [alert.id, alert]))
  for (const alert of alerts) if (!isPast(alert, byId.get(alert.id))) byId.set(alert.id, alert)
  const sorted = [...byId.values()].sort(
    (a, b) => Date.parse(b.resolved_at ?? b.active_at) - Date.parse(a.resolved_at ?? a.active_at),
  )
  state.resolved.splice(0, state.resolved.length, ...sorted.slice(0, RESOLVED_KEPT))
}

/** A late vehicle message must not move a vehicle back in time. */
function isOlder(next: Vehicle, known: Vehicle | undefined): boolean {
  if (!known?.position || !next.position) return false
  return Date.parse(next.position.time) < Date.parse(known.position.time)
}

/** Whether it is new that this fires now; history and what was silent for a while is not. */
function isNews(alert: Alert, known: Alert | undefined): boolean {
  return alert.state === 'firing' && !alert.retrospective && (known === undefined || known.retrospective)
}

function shown(state: LiveState, id: string): Alert | undefined {
  return state.open.get(id) ?? state.resolved.find((one) => one.id === id)
}

function mergeAlert(state: LiveState, alert: Alert): News {
  const known = state.open.get(alert.id)
  if (isPast(alert, shown(state, alert.id))) return { fired: [], resolved: [], ledger: [] }
  if (alert.state !== 'resolved') {
    state.open.set(alert.id, alert)
    return { fired: isNews(alert, known) ? [alert] : [], resolved: [], ledger: [] }
  }
  state.open.delete(alert.id)
  addResolved(state, [alert])
  return { fired: [], resolved: [alert], ledger: [] }
}

/** Take an alert as the server answered it, if it is shown and nothing newer is known of it. */
export function mergeAnswer(state: LiveState, alert: Alert): void {
  if (shown(state, alert.id)) mergeAlert(state, alert)
}

/** Merge one message into the state. first: nothing was shown before, so nothing is news. */
export function merge(state: LiveState, message: LiveMessage, first: boolean): News {
  switch (message.type) {
    case 'hello': {
      const fired = message.alerts.filter((alert) =>
        isNews(alert, state.open.get(alert.id)) && alert.handling.status === 'new')
      replaceAll(state.power, message.power, (item) => item.place)
      replaceAll(state.vehicles, message.vehicles, (item) => item.id)
      replaceAll(state.open, message.alerts, (item) => item.id)
      return { fired: first ? [] : fired, resolved: [], ledger: 'all' }
    }
    case 'power':
      for (const item of message.items) state.power.set(item.place, item)
      return { fired: [], resolved: [], ledger: [] }
    case 'vehicles':
      for (const item of message.items) {
        if (!isOlder(item, state.vehicles.get(item.id))) state.vehicles.set(item.id, item)
      }
      return { fired: [], resolved: [], ledger: [] }
    case 'alert':
      return mergeAlert(state, message.alert)
    case 'ledger':
      return { fired: [], resolved: [], ledger: message.places }
    default:
      // A newer server may say more than this page knows.
      return { fired: [], resolved: [], ledger: [] }
  }
}
