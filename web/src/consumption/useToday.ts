/** Today's and yesterday's intervals of every energy that a place has. */

import { computed } from 'vue'

import type { Energy, Place } from '../api/types'
import { nowMs } from '../time/clock'
import { addDays, localDate, type LocalDate } from '../time/zone'
import { useConsumption, type ConsumptionAnswer } from './useConsumption'

export interface TodayAnswers { today: ConsumptionAnswer; yesterday: ConsumptionAnswer }

/** place: the selected place; its own calendar decides what today is. */
export function useToday(place: () => Place): { date: () => LocalDate; answers: Record<Energy, TodayAnswers> } {
  const today = computed(() => localDate(nowMs.value, place().timezone))

  function day(energy: Energy, offset: number): ConsumptionAnswer {
    return useConsumption(() => {
      if (!place().energies.includes(energy)) return null
      const from = addDays(today.value, offset)
      return { place: place().id, energy, from, to: addDays(from, 1), interval: '15m' }
    })
  }

  const both = (energy: Energy): TodayAnswers => ({ today: day(energy, 0), yesterday: day(energy, -1) })
  return {
    date: () => today.value,
    answers: { electricity: both('electricity'), water: both('water'), gas: both('gas'), heat: both('heat') },
  }
}
