#!/bin/bash
# Run once, by the image's first start, when server, organisation and bucket are there and the volume was empty.
set -euo pipefail

org=(--org "$DOCKER_INFLUXDB_INIT_ORG")
bucket=$DOCKER_INFLUXDB_INIT_BUCKET_ID

# InfluxQL knows databases and retention policies, InfluxDB 2 knows buckets. This maps database "wattline" to the
# bucket, as the default, so that /query and /write find it.
influx v1 dbrp create "${org[@]}" --bucket-id "$bucket" --db wattline --rp autogen --default

# An account that reads and writes this bucket and can do nothing else. It is for /query and /write, which Wattline
# uses; the operator token stays with the operator.
influx v1 auth create "${org[@]}" --username wattline --password "$(cat /run/secrets/influx_wattline)" \
    --description Wattline --read-bucket "$bucket" --write-bucket "$bucket" >/dev/null
