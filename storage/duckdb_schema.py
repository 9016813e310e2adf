"""Tables of the DuckDB store: the columns of the batches, in their order.

interval.slot: start_us / BASE_US, rounded down; part: minutes of start_us after that, which are 0
where the ledger's base is 15 minutes. A column of its own packs to nothing there, and sums by
longer periods need not look at it.
compacted: rows (n) that a look at a window (number) of a table (kind) has left.
watermark: the highest time of receipt when rows were last let go, for it may have gone with them.

Floating-point columns may be null: DuckDB reads a NaN in a NumPy column as null.
"""

VERSION = 2
"""Of the tables. A file of another version is refused, unless MIGRATIONS lead from it to this one."""

MIGRATIONS = {1: "alter table interval add column part utinyint default 0"}
"""By version, what makes the next one of it, in one transaction."""

SCHEMA = """
create table if not exists version (
    number integer not null
);
create table if not exists reading (
    register integer not null,
    event_time_us bigint not null,
    value double,
    quality utinyint not null,
    received_at_us bigint not null
);
create table if not exists position (
    device integer not null,
    fix_time_us bigint not null,
    latitude_deg double,
    longitude_deg double,
    speed_kmh float,
    course_deg float,
    accuracy_m float,
    ignition float,
    odometer_km double,
    fuel_l float,
    soc_pct float,
    received_at_us bigint not null
);
create table if not exists interval (
    register integer not null,
    slot integer not null,
    amount double,
    covered_us bigint not null,
    quality usmallint not null,
    first_us bigint not null,
    first_value double,
    last_us bigint not null,
    last_value double,
    revision integer not null,
    part utinyint default 0
);
create table if not exists compacted (
    kind varchar not null,
    number bigint not null,
    n bigint not null
);
create table if not exists watermark (
    received_at_us bigint not null
);
"""
