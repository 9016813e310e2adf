#!/bin/bash
# InfluxQL knows databases and retention policies, InfluxDB 2 knows buckets. This maps database "wattline" to
# the bucket of the same name, as the default, so that /query and /write find it. Run once by the image's first start.
set -euo pipefail

influx v1 dbrp create \
    --org "$DOCKER_INFLUXDB_INIT_ORG" \
    --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
    --db wattline \
    --rp autogen \
    --default
