/** One consumption answer that follows its question and the ledger. */

import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

import { api, ApiError, type ConsumptionQuery } from '../api/client'
import type { Consumption } from '../api/types'
import { onLedger } from '../live/live'
import { minute, nowMs } from '../time/clock'
import { throttle } from '../time/throttle'

/** Figures on the page need not be younger than this; the ledger changes with every message. */
const REFETCH_MS = 10_000

export interface ConsumptionAnswer {
  /** The answer to the present question; kept while it is asked again, dropped when it changes. */
  data: ShallowRef<Consumption | null>
  /** When it was asked, epoch milliseconds: what "now" is for its unfinished intervals. */
  atMs: Ref<number>
  error: ShallowRef<ApiError | null>
  loading: Ref<boolean>
  retry: () => void
}

/** question: null asks nothing. */
export function useConsumption(question: () => ConsumptionQuery | null): ConsumptionAnswer {
  const data = shallowRef<Consumption | null>(null)
  const atMs = ref(0)
  const error = shallowRef<ApiError | null>(null)
  const loading = ref(false)
  let asked = ''
  let flight: AbortController | null = null

  async function fetchNow(): Promise<void> {
    const query = question()
    flight?.abort()
    flight = null
    refetch.done()
    if (!query) return
    const mine = new AbortController()
    flight = mine
    loading.value = true
    const at = nowMs.value
    try {
      const answer = await api.consumption(query, mine.signal)
      atMs.value = at
      data.value = answer
      error.value = null
    } catch (problem) {
      if (mine.signal.aborted) return
      error.value = problem instanceof ApiError ? problem : new ApiError({ title: String(problem), status: 0 })
    } finally {
      if (flight === mine) {
        flight = null
        loading.value = false
      }
    }
  }

  const refetch = throttle(() => { void fetchNow() }, REFETCH_MS)

  watch(question, (query) => {
    const key = JSON.stringify(query)
    if (key === asked) return
    asked = key
    data.value = null
    error.value = null
    void fetchNow()
  }, { immediate: true })

  const stopListening = onLedger((places) => {
    const query = question()
    if (query && (places === 'all' || places.includes(query.place))) refetch.ask()
  })

  // Time alone changes a period that has not ended, though no meter says anything.
  watch(minute, () => {
    if (data.value && Date.parse(data.value.to) > nowMs.value) refetch.ask()
  })

  onScopeDispose(() => {
    stopListening()
    refetch.stop()
    flight?.abort()
  })

  return { data, atMs, error, loading, retry: () => { void fetchNow() } }
}
