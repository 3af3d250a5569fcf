# jwt_auth: PostgreSQL as its own JWT authority.  "make help" lists the targets.

top := $(or $(VPATH:%=%/),$(dir $(lastword $(MAKEFILE_LIST))))

# PGXS finds the sources from another directory only if PostgreSQL was built so.
ifneq ($(CURDIR),$(abspath $(top)))
VPATH ?= $(abspath $(top))
endif

# These install what they need, so they must work without PostgreSQL, too.
TOOLS = help test matrix demo example lint indent bench load vectors fuzz sanitize valgrind
.PHONY: $(TOOLS)

ifneq (,$(filter-out $(TOOLS),$(or $(MAKECMDGOALS),all)))

MODULE_big = jwt_auth
EXTENSION = jwt_auth jwt_auth_pgjwt
DATA = $(addprefix sql/,$(scripts))
DOCS = $(addprefix doc/,$(notdir $(wildcard $(top)doc/*.md $(top)doc/*.svg)))
OBJS = $(patsubst $(top)%.c,%.o,$(wildcard $(top)src/*.c $(top)src/*/*.c))

# In sql/, names with "--" are install and upgrade scripts, others are tests.
sql_files = $(notdir $(wildcard $(top)sql/*.sql))
scripts = $(foreach file,$(sql_files),$(if $(findstring --,$(file)),$(file)))

REGRESS = $(basename $(filter-out $(scripts),$(sql_files)))
ISOLATION = $(basename $(notdir $(wildcard $(top)test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(top)test/isolation

LIBRARIES = libcrypto libargon2 libutf8proc
PG_CPPFLAGS = -I$(top)src $(shell pkg-config --cflags $(LIBRARIES))
SHLIB_LINK = $(shell pkg-config --libs $(LIBRARIES)) -lcrypt $(hide_internals)
hide_internals = $(if $(filter linux,$(PORTNAME)), \
	-Wl$(,)--version-script=$(top)src/jwt_auth.map)
, := ,

# PostgreSQL's own headers do not pass the two that are switched off.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-fno-semantic-interposition
ifneq (,$(findstring clang,$(CC)))
# PostgreSQL was configured with gcc and hands over gcc's options.
PG_CFLAGS += -Wno-unknown-warning-option -Wno-ignored-attributes \
	-Wno-ignored-optimization-argument
endif
ifeq ($(WERROR),1)
PG_CFLAGS += -Werror
endif

EXTRA_CLEAN = $(wildcard $(foreach suffix,o d bc bc.d, \
	src/*.$(suffix) src/*/*.$(suffix))) .flags

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs))
ifeq (,$(PGXS))
$(error PostgreSQL's server development files are missing: \
install postgresql-server-dev-NN, or set PG_CONFIG)
endif
include $(PGXS)

# Pages refer to each other by short names, so they have a folder of their own.
docmoduledir := extension/jwt_auth

uninstall: uninstall_docs
.PHONY: uninstall_docs
uninstall_docs:
	rm -rf '$(DESTDIR)$(docdir)/$(docmoduledir)'

# Objects lie in folders, and follow their headers and the flags.
src/%.o: src/%.c .flags
	@$(MKDIR_P) $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

src/%.bc: src/%.c .flags
	@$(MKDIR_P) $(@D)
	$(COMPILE.c.bc) -MMD -MP -MF $@.d -o $@ $<

flags := $(VERSION) $(CC) $(CFLAGS) $(CPPFLAGS)
ifneq ($(flags),$(file <.flags))
.PHONY: .flags
endif
.flags:
	@$(file >$@,$(flags))

-include $(OBJS:.o=.d) $(OBJS:.o=.bc.d)

endif

# Every target below installs the tools it needs, and leaves the system's
# PostgreSQL and its clusters alone.  The variable says where to build.
export JWT_AUTH_BUILD ?= $(CURDIR)

test:
	@$(top)test/packages build test
	@$(top)test/run

matrix:
	@$(top)test/packages matrix
	@$(top)test/matrix/run

demo:
	@$(top)test/packages build cluster
	@$(top)example/demo/run

example:
	@$(top)test/packages build web
	@$(top)example/web/run

lint:
	@$(top)test/packages build lint
	@$(top)test/lint/run

indent:
	@$(top)test/packages build lint
	@$(top)test/private/tree $(top)test/lint/typedefs \
		>$(top)src/typedefs.list.new
	@mv $(top)src/typedefs.list.new $(top)src/typedefs.list
	@$(top)test/lint/indent

bench:
	@$(top)test/packages build bench
	@$(top)test/bench/run

load:
	@$(top)test/packages build server
	@$(top)test/load/run

vectors:
	@$(top)test/packages build cluster
	@$(top)test/vectors/run $(FILE)

sanitize:
	@$(top)test/packages build test sanitize
	@$(top)test/sanitize/run

valgrind:
	@$(top)test/packages build server valgrind
	@$(top)test/valgrind/run

fuzz:
	@$(top)test/packages build fuzz
	@$(top)test/fuzz/run

help:
	@echo 'make              build'
	@echo 'make install      install into the PostgreSQL of PG_CONFIG'
	@echo 'make installcheck run the regression tests in a running server'
	@echo 'make test         run all tests in a private cluster'
	@echo '                  (SUITES="pgtap tap" FILES="a.sql b.pl" KEEP=1'
	@echo '                  SKIP_BROWSER=1)'
	@echo 'make matrix       build and test on other PostgreSQL majors, each in'
	@echo '                  a Debian system of its own (ROOTS=trixie QUICK=1)'
	@echo 'make demo         the whole flow, step by step (KEEP=1)'
	@echo 'make example      a web application to click through (PORT=3000)'
	@echo 'make lint         check layout, layers, calls, privileges and more'
	@echo 'make indent       lay out the C code'
	@echo 'make bench        measure, and compare with other libraries'
	@echo '                  (QUICK=1 ROWS=accounts DOC=1)'
	@echo 'make load         many clients through pgbouncer, then an attack beside'
	@echo '                  them (MINUTES=3 CLIENTS=200 RATE=200)'
	@echo 'make vectors      run a file of test vectors (FILE=vectors.jsonl)'
	@echo 'make fuzz         fuzz the parsers of untrusted bytes'
	@echo '                  (TARGETS="pem der" TIME=SECONDS)'
	@echo 'make sanitize     run the tests with sanitizers in the server'
	@echo '                  (SUITES="pgtap" FILES="a.sql")'
	@echo 'make valgrind     run tests in a server that checks assertions, and'
	@echo '                  some of them under valgrind (FILES="a.sql")'
	@echo 'make clean        remove what was built'
