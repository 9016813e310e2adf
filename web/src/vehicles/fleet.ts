/** The vehicles as the table and the map show them: filtered, ordered, one selected. */

import { computed, ref } from 'vue'

import type { Vehicle, VehicleStatus } from '../api/types'
import { live } from '../live/live'
import { byStatus, countStatus } from './order'

/** null shows every vehicle. */
export const statusFilter = ref<VehicleStatus | null>(null)
export const selectedVehicleId = ref<string | null>(null)

export const statusCounts = computed(() => countStatus(live.vehicles.values()))
export const vehicles = computed<Vehicle[]>(() => byStatus(live.vehicles.values())
  .filter((vehicle) => statusFilter.value === null || vehicle.status === statusFilter.value))
export const selectedVehicle = computed(() =>
  selectedVehicleId.value === null ? undefined : live.vehicles.get(selectedVehicleId.value))
