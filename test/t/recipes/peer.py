# Runs a recipe of the guide, whose library is the argument, as peer.mjs does: each line
# of the input is a request, each line of the output its answer.

import importlib
import json
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

library = sys.argv[1]
THREADS = ThreadPoolExecutor(10)


class Psycopg:
    def __init__(self):
        self.guide = importlib.import_module("psycopg_recipe")
        self.with_token = lambda token, work: self.guide.with_token(self.guide.pool, token, work)

    def sql(self, connection, text):
        return connection.execute(text).fetchall()

    def savepoint(self, connection):
        return connection.transaction()

    def beside(self, work):
        with self.guide.pool.connection() as connection:
            return work(connection)

    def lazy(self, connection):
        return connection.execute("SELECT body FROM notes")


class Sqlalchemy:
    def __init__(self):
        self.guide = importlib.import_module("sqlalchemy_recipe")
        self.with_token = lambda token, work: self.guide.with_token(self.guide.engine, token, work)

    def sql(self, session, text):
        return session.connection().exec_driver_sql(text).fetchall()

    def savepoint(self, session):
        return session.begin_nested()

    def beside(self, work):
        with self.guide.Session(self.guide.engine) as session:
            return work(session)

    def lazy(self, session):
        return session.query(self.guide.Note)


class Django:
    def __init__(self):
        import os
        from urllib.parse import urlsplit

        import django
        from django.conf import settings

        url = urlsplit(os.environ["DATABASE_URL"])
        settings.configure(DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
            "HOST": url.hostname, "PORT": url.port, "CONN_MAX_AGE": None}})
        django.setup()
        self.guide = importlib.import_module("django_recipe")
        self.with_token = lambda token, work: self.guide.with_token(token, lambda: work(None))

    def sql(self, _, text):
        with self.guide.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    def savepoint(self, _):
        return self.guide.transaction.atomic()

    # Each thread has a connection.
    def beside(self, work):
        return THREADS.submit(work, None).result()

    def lazy(self, _):
        return self.guide.Note.objects.all()


recipe = {"psycopg": Psycopg, "sqlalchemy": Sqlalchemy, "django": Django}[library]()


def list_notes(handle):
    return recipe.guide.list_notes(*([] if handle is None else [handle]))


def add_note(handle, body):
    recipe.guide.add_note(*([] if handle is None else [handle]), body)


def add_and_list(handle, body):
    add_note(handle, body)
    return list_notes(handle)


def fail(handle, body):
    add_note(handle, body)
    raise RuntimeError("of the application")


def swallow(handle, body):
    add_note(handle, body)
    try:
        recipe.sql(handle, "SELECT 1 / 0")
    except Exception:
        pass
    return []


def contain(handle, body):
    add_note(handle, body)
    try:
        with recipe.savepoint(handle):
            recipe.sql(handle, "SELECT 1 / 0")
    except Exception:
        pass
    return list_notes(handle)


def run_unbound(_, token):
    recipe.beside(lambda handle: recipe.sql(handle, f"SELECT jwt_authenticate('{token}', true)"))
    return recipe.beside(list_notes)


def run(handle, request):
    work, body = request["work"], request.get("body")
    return {
        "list": lambda: list_notes(handle),
        "add": lambda: add_and_list(handle, body),
        "sql": lambda: recipe.sql(handle, request["text"]),
        "astray": lambda: recipe.beside(list_notes),
        "unbound": lambda: run_unbound(handle, request["token"]),
        "fail": lambda: fail(handle, body),
        "swallow": lambda: swallow(handle, body),
        "savepoint": lambda: contain(handle, body),
        "late": lambda: list(request["kept"]),
    }[work]()


def text_of(row):
    return row.body if hasattr(row, "body") else " ".join(str(value) for value in row)


def status_of(sqlstate):
    if sqlstate and "28J00" <= sqlstate <= "28J04":
        return 401
    return 403 if sqlstate == "42501" else 500


def answer(request):
    ran = []

    def work(handle):
        ran.append(True)
        return run(handle, request)

    try:
        return {"rows": [text_of(row) for row in recipe.with_token(request.get("token"), work)]}
    except Exception as error:
        sqlstate = recipe.guide.sqlstate_of(error)
        return {"sqlstate": sqlstate, "status": status_of(sqlstate), "ran": bool(ran),
                "message": str(error), "logged": traceback.format_exc()}


def handle(request):
    if "together" in request:
        return list(THREADS.map(answer, request["together"]))
    if "first" in request:
        kept = recipe.with_token(request["first"], lambda handle: recipe.lazy(handle))
        return answer({"work": "late", "kept": kept, "token": request["second"]})
    if "outside" not in request:
        return answer(request)

    def ask(_):
        return recipe.beside(lambda handle: recipe.sql(handle, request["text"])) if library != "django" \
            else recipe.sql(None, request["text"])

    return {"rows": [text_of(row) for rows in THREADS.map(ask, range(request["outside"])) for row in rows]}


for line in sys.stdin:
    print(json.dumps(handle(json.loads(line))), flush=True)
