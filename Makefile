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
OBJS = $(filter-out $(FETCH_OBJS),$(call objects,src/*.c) $(call objects,src/*/*.c))
objects = $(patsubst $(top)%.c,%.o,$(wildcard $(top)$(1)))

# In sql/, names with "--" are install and upgrade scripts, others are tests.
sql_files = $(notdir $(wildcard $(top)sql/*.sql))
scripts = $(foreach file,$(sql_files),$(if $(findstring --,$(file)),$(file)))

REGRESS = $(basename $(filter-out $(scripts),$(sql_files)))
ISOLATION = $(basename $(notdir $(wildcard $(top)test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(top)test/isolation

LIBRARIES = libcrypto libargon2 libutf8proc libidn2
PG_CPPFLAGS = -I$(top)src $(shell pkg-config --cflags $(LIBRARIES))
SHLIB_LINK = $(shell pkg-config --libs $(LIBRARIES)) -lcrypt -lzxcvbn \
	$(call export_only,src/jwt_auth.map)
export_only = $(if $(filter linux,$(PORTNAME)), \
	-Wl$(,)--version-script=$(top)$(1))
, := ,

# What fetches over HTTPS is a library of its own, so that no session loads
# libcurl.  "with_curl=no" leaves it out.
with_curl = yes
FETCH_OBJS = $(call objects,src/fetch/*.c)
fetch_library = jwt_auth_fetch$(DLSUFFIX)

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
	src/*.$(suffix) src/*/*.$(suffix))) .flags $(fetch_library)

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs))
ifeq (,$(PGXS))
$(error PostgreSQL's server development files are missing: \
install postgresql-server-dev-NN, or set PG_CONFIG)
endif
include $(PGXS)

# Pages refer to each other by short names, so they have a folder of their own.
docmoduledir := extension/jwt_auth

uninstall: uninstall_rest
.PHONY: uninstall_rest
uninstall_rest:
	rm -rf '$(DESTDIR)$(docdir)/$(docmoduledir)'
	rm -f '$(DESTDIR)$(pkglibdir)/$(fetch_library)'

ifneq ($(with_curl),no)
all-lib: $(fetch_library)
install: install_fetch
.PHONY: install_fetch
install_fetch: $(fetch_library) installdirs
	$(INSTALL_SHLIB) $< '$(DESTDIR)$(pkglibdir)/'

ifneq (,$(shell pkg-config --exists 'libcurl >= 7.87' && echo there))
$(FETCH_OBJS): CPPFLAGS += $(shell pkg-config --cflags libcurl)
$(fetch_library): $(FETCH_OBJS)
	$(LINK.shared) -o $@ $^ $(LDFLAGS) $(LDFLAGS_SL) \
		$(shell pkg-config --libs libcurl) $(call export_only,src/fetch/fetch.map)
else
$(fetch_library):
	@echo 'libcurl 7.87 or later is missing: install libcurl4-openssl-dev, or' \
		'build and install with "make with_curl=no"' >&2; exit 1
endif
endif

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

-include $(OBJS:.o=.d) $(FETCH_OBJS:.o=.d) $(OBJS:.o=.bc.d)

endif
