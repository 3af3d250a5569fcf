# jwt_auth: PostgreSQL as its own JWT authority.  "make help" lists the targets.

top := $(or $(VPATH:%=%/),$(dir $(lastword $(MAKEFILE_LIST))))

# PGXS finds the sources from another directory only if PostgreSQL was built so.
ifneq ($(CURDIR),$(abspath $(top)))
VPATH ?= $(abspath $(top))
endif

.DEFAULT_GOAL := all
include $(top)dev.mk

# Tools install what they need, so they must work without PostgreSQL, too.
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

LIBRARIES = libcrypto libargon2 libutf8proc libidn2
PG_CPPFLAGS = -I$(top)src $(shell pkg-config --cflags $(LIBRARIES))
SHLIB_LINK = $(shell pkg-config --libs $(LIBRARIES)) -lcrypt -lzxcvbn $(hide_internals)
hide_internals = $(if $(filter linux,$(PORTNAME)), \
	-Wl$(,)--version-script=$(top)src/jwt_auth.map)
, := ,

# PostgreSQL's own headers do not pass the two that are switched off.  The calls
# into the server that a policy makes for each row need no detour by the PLT.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-fno-semantic-interposition -fno-plt
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

# The shell writes them, as "make -n" would carry out a $(file).
flags := $(VERSION) $(CC) $(CFLAGS) $(CPPFLAGS)
ifneq ($(flags),$(file <.flags))
.PHONY: .flags
endif
.flags: export JWT_AUTH_FLAGS = $(flags)
.flags:
	@printf '%s\n' "$$JWT_AUTH_FLAGS" >$@

# From another directory, the folders were made by the rules above.
ifneq ($(CURDIR),$(abspath $(top)))
clean: clean_folders
.PHONY: clean_folders
clean_folders:
	@rm -f $(EXTRA_CLEAN)
	@rmdir $(wildcard src/*/) src 2>/dev/null || :
endif

-include $(OBJS:.o=.d) $(OBJS:.o=.bc.d)

endif
