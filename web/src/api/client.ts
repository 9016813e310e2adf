/** Requests to /api/v1 with the server's problem bodies as typed errors. */

import type {
  Alert, Consumption, Device, Energy, MapLayer, Name, Page, Place, Problem, Timeline,
} from './types'

const ROOT = '/api/v1'
/** A server that says nothing for this long is treated as unreachable. */
const TIMEOUT_MS = 20_000

type Query = Record<string, string | number | undefined>

/** The server refused, failed or could not be reached (status 0). */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title)
    this.name = 'ApiError'
  }

  get status(): number {
    return this.problem.status
  }
}

function address(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return `${ROOT}/${path}${text ? `?${text}` : ''}`
}

async function problemOf(response: Response): Promise<Problem> {
  const plain: Problem = { title: response.statusText || `HTTP ${response.status}`, status: response.status }
  if (!response.headers.get('content-type')?.includes('json')) return plain
  try {
    return { ...plain, ...(await response.json() as Partial<Problem>) }
  } catch {
    return plain
  }
}

async function answer<Answer>(path: string, query: Query, init: RequestInit, signal?: AbortSignal): Promise<Answer> {
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  let response: Response
  try {
    response = await fetch(address(path, query), { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError({ title: 'unreachable', status: 0 })
  }
  if (!response.ok) throw new ApiError(await problemOf(response))
  return await response.json() as Answer
}

/** One answer; raises ApiError, or the abort of the given signal. */
export function get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  return answer(path, query, { headers: { accept: 'application/json' } }, signal)
}

/** Send something and get what became of it; raises ApiError. */
export function post<Answer>(path: string, body: object): Promise<Answer> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  return answer(path, {}, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Every item of a list, following its cursor. */
export async function getAll<Item>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const page = await get<Page<Item>>(path, { ...query, cursor }, signal)
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return items
}

/** What works and needs someone all the same, each with what to do next; raises ApiError. */
export async function warnings(): Promise<Name[]> {
  try {
    const response = await fetch('/readyz', { signal: AbortSignal.timeout(TIMEOUT_MS) })
    // Not ready is an answer too (503), and says as much.
    return (await response.json() as { warnings: Name[] }).warnings
  } catch {
    throw new ApiError({ title: 'unreachable', status: 0 })
  }
}

export interface ConsumptionQuery {
  place: string
  energy: Energy
  /** First local day of the place and the one after the last, YYYY-MM-DD. */
  from: string
  to: string
  interval: '15m' | '1h' | '1d'
}

export const api = {
  places: (signal?: AbortSignal) => getAll<Place>('places', {}, signal),
  meters: (place: string, signal?: AbortSignal) => getAll<Device>('devices', { place, kind: 'meter' }, signal),
  device: (id: string, signal?: AbortSignal) => get<Device>(`devices/${encodeURIComponent(id)}`, {}, signal),
  consumption: (query: ConsumptionQuery, signal?: AbortSignal) =>
    get<Consumption>('consumption', { ...query }, signal),
  alerts: (state: 'open' | 'resolved', limit: number, signal?: AbortSignal) =>
    get<Page<Alert>>('alerts', { state, limit }, signal),
  alert: (id: string, signal?: AbortSignal) => get<Alert>(`alerts/${encodeURIComponent(id)}`, {}, signal),
  timeline: (id: string, signal?: AbortSignal) =>
    get<Timeline>(`alerts/${encodeURIComponent(id)}/timeline`, {}, signal),
  act: (id: string, verb: string, body: object) => post<Alert>(`alerts/${encodeURIComponent(id)}/${verb}`, body),
  mapLayers: (signal?: AbortSignal) => get<{ layers: MapLayer[] }>('map', {}, signal),
}
