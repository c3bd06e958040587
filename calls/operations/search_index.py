"""What each database keeps, so that what was said is found: made by a migration, looked after whenever one has run.

PostgreSQL: an index over a function of the text, which needs nobody's care. SQLite: a table of words (FTS5) and
triggers that fill it. Django rebuilds a table that a migration changes and drops its triggers with the old one; `make`
puts them back and indexes anew. Only what was said and is final is kept, corrected text included.
"""

from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError

from calls.operations.folding import ACCENTS

# Whatever may stand between words, so that PostgreSQL's parser finds no addresses, paths and signed numbers.
_BETWEEN: Final = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~’‘‚“”„«»–—…·•¿¡€£′″\N{NO-BREAK SPACE}'
# In SQL a quotation mark is written twice.
_FROM: Final = "".join([*ACCENTS, "''", *_BETWEEN])
_TO: Final = "".join(ACCENTS.values()) + " " * (len(_BETWEEN) + 1)

POSTGRESQL: Final = (
    f"""
    CREATE OR REPLACE FUNCTION calls_said(text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $said$ SELECT to_tsvector('pg_catalog.simple', translate($1, '{_FROM}', '{_TO}')) $said$
    """,
    """
    CREATE INDEX IF NOT EXISTS calls_segment_said ON calls_segment USING gin (calls_said(text))
    WHERE final AND kind = 'speech'
    """,
)

# A row's place in an SQLite table can change, and FTS5 knows rows by place: hence numbers of their own.
SQLITE_TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS calls_said (
        number INTEGER PRIMARY KEY AUTOINCREMENT, segment_id char(32) NOT NULL UNIQUE, text TEXT NOT NULL
    )
    """,
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS calls_said_words USING fts5(
        text, content='calls_said', content_rowid='number', tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER IF NOT EXISTS calls_said_in AFTER INSERT ON calls_said BEGIN
        INSERT INTO calls_said_words(rowid, text) VALUES (new.number, new.text);
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS calls_said_out AFTER DELETE ON calls_said BEGIN
        INSERT INTO calls_said_words(calls_said_words, rowid, text) VALUES ('delete', old.number, old.text);
    END
    """,
)
SQLITE_TRIGGERS: Final = {
    "calls_segment_said": """
    CREATE TRIGGER calls_segment_said AFTER INSERT ON calls_segment
    WHEN new.final AND new.kind = 'speech' AND new.text <> '' BEGIN
        INSERT INTO calls_said(segment_id, text) VALUES (new.id, new.text);
    END
    """,
    "calls_segment_corrected": """
    CREATE TRIGGER calls_segment_corrected AFTER UPDATE OF id, text, final, kind ON calls_segment BEGIN
        DELETE FROM calls_said WHERE segment_id = old.id;
        INSERT INTO calls_said(segment_id, text) SELECT new.id, new.text
        WHERE new.final AND new.kind = 'speech' AND new.text <> '';
    END
    """,
    "calls_segment_gone": """
    CREATE TRIGGER calls_segment_gone AFTER DELETE ON calls_segment BEGIN
        DELETE FROM calls_said WHERE segment_id = old.id;
    END
    """,
}
_ALL: Final = (
    "DELETE FROM calls_said",
    """
    INSERT INTO calls_said(segment_id, text) SELECT id, text FROM calls_segment
    WHERE final AND kind = 'speech' AND text <> ''
    """,
)


def make(connection: BaseDatabaseWrapper) -> None:
    """Makes what is missing, and indexes all that was said if something was."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for statement in POSTGRESQL:
                cursor.execute(statement)
        elif connection.vendor == "sqlite":
            _make_for_sqlite(cursor)


def drop(connection: BaseDatabaseWrapper) -> None:
    postgresql = ("DROP INDEX IF EXISTS calls_segment_said", "DROP FUNCTION IF EXISTS calls_said(text)")
    sqlite = (
        *(f"DROP TRIGGER IF EXISTS {name}" for name in SQLITE_TRIGGERS),
        "DROP TABLE IF EXISTS calls_said_words",
        "DROP TABLE IF EXISTS calls_said",
    )
    with connection.cursor() as cursor:
        for statement in {"postgresql": postgresql, "sqlite": sqlite}.get(connection.vendor, ()):
            cursor.execute(statement)


def _make_for_sqlite(cursor: Any) -> None:
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'calls_segment'")
    missing = set(SQLITE_TRIGGERS) - {name for (name,) in cursor.fetchall()}
    if not missing:
        return
    try:
        for statement in SQLITE_TABLES:
            cursor.execute(statement)
    except OperationalError as error:
        if "fts5" not in str(error):
            raise
        raise ImproperlyConfigured(
            "This Python's SQLite was built without FTS5, which the search needs. Use another Python, or PostgreSQL."
        ) from error
    for name in sorted(missing):
        cursor.execute(SQLITE_TRIGGERS[name])
    for statement in _ALL:
        cursor.execute(statement)
