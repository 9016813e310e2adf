/** At most one call per period, the last wish always granted. */

export interface Throttle {
  /** Call now, or as soon as the period since the last call has passed. */
  ask: () => void
  /** A call was made by other means: the period starts again and no call is due. */
  done: () => void
  stop: () => void
}

export function throttle(call: () => void, periodMs: number): Throttle {
  let lastMs = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined
  const done = (): void => {
    clearTimeout(timer)
    timer = undefined
    lastMs = Date.now()
  }
  const run = (): void => {
    done()
    call()
  }
  return {
    ask() {
      if (timer !== undefined) return
      const wait = lastMs + periodMs - Date.now()
      if (wait <= 0) run()
      else timer = setTimeout(run, wait)
    },
    done,
    stop() { clearTimeout(timer) },
  }
}
