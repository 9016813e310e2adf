"""Triggers that let timelines only grow, in the words of each database.

Alerts are never deleted and never count fewer lines than before; lines are never changed,
never deleted, and numbered without a gap.
"""

from collections.abc import Callable, Iterator

_GROWS = "a timeline only grows"
_STAYS = "an alert stays"
_NEXT = "lines are numbered without a gap"
_NOT_NEXT = (
    "new.number <> (select coalesce(max(number), 0) + 1 from alert_event where alert_id = new.alert_id)"
)

_SQLITE = {
    "alert_event_never_changes": ("before update on alert_event", "", _GROWS),
    "alert_event_never_goes": ("before delete on alert_event", "", _GROWS),
    "alert_event_is_the_next": (
        "before insert on alert_event",
        f"when {_NOT_NEXT}",
        _NEXT,
    ),
    "alert_never_goes": ("before delete on alert", "", _STAYS),
    "alert_never_counts_less": ("before update on alert", "when new.events < old.events", _GROWS),
}

_POSTGRESQL = {
    "wattline_refuse": "raise exception using message = tg_argv[0], errcode = 'restrict_violation';",
    "wattline_next_line": (
        f"if {_NOT_NEXT} then raise exception '{_NEXT}' using errcode = 'restrict_violation'; end if; "
        "return new;"
    ),
}

_POSTGRESQL_TRIGGERS = {
    "alert_event_never_changes": (
        "before update or delete on alert_event for each row",
        f"wattline_refuse('{_GROWS}')",
    ),
    "alert_event_never_goes": (
        "before truncate on alert_event for each statement",
        f"wattline_refuse('{_GROWS}')",
    ),
    "alert_event_is_the_next": ("before insert on alert_event for each row", "wattline_next_line()"),
    "alert_never_goes": ("before delete on alert for each row", f"wattline_refuse('{_STAYS}')"),
    "alert_never_truncated": ("before truncate on alert for each statement", f"wattline_refuse('{_STAYS}')"),
    "alert_never_counts_less": (
        "before update on alert for each row when (new.events < old.events)",
        f"wattline_refuse('{_GROWS}')",
    ),
}


def install(dialect: str, execute: Callable[[str], object]) -> None:
    """Make the triggers; the tables are there."""
    for statement in _statements(dialect):
        execute(statement)


def _statements(dialect: str) -> Iterator[str]:
    if dialect == "sqlite":
        for name, (when, only, why) in _SQLITE.items():
            yield f"create trigger {name} {when} {only} begin select raise(abort, '{why}'); end"
        return
    for function, body in _POSTGRESQL.items():
        yield (
            f"create function {function}() returns trigger language plpgsql as $body$ begin {body} end $body$"
        )
    for name, (when, function) in _POSTGRESQL_TRIGGERS.items():
        yield f"create trigger {name} {when} execute function {function}"
