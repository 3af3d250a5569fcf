# Building a library for a real server with clang's address and undefined
# behaviour sanitizers.  Included at the end of a Makefile that sets, beside
# PGXS's variables, "top", "sources" and, for more instrumentation, "COVERAGE".

sanitize := $(top)/test/sanitize

SANITIZERS = address,undefined,float-cast-overflow
runtime = $(shell $(CC) -print-file-name=libclang_rt.$(1)-$(shell uname -m).$(2))

OBJS = $(patsubst $(top)/%.c,%.o,$(sources))
LIBRARIES := $(shell sed -n 's/^LIBRARIES = //p' $(top)/Makefile)
PG_CPPFLAGS += -I$(top)/src -DUSE_ASSERT_CHECKING $(shell pkg-config --cflags $(LIBRARIES))
SHLIB_LINK += $(shell pkg-config --libs $(LIBRARIES)) -lcrypt -lzxcvbn

override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PostgreSQL's own flags are for gcc, and make overflows of integers defined.
CC = clang
override CFLAGS := -Wall -Wno-ignored-attributes -std=gnu11 -g -O1 -fPIC -fno-omit-frame-pointer \
	-fno-strict-aliasing -fsanitize=$(COVERAGE)$(SANITIZERS) \
	-fno-sanitize-recover=all -shared-libasan
override CPPFLAGS += -U_FORTIFY_SOURCE

all: preload.so

preload.so: $(sanitize)/preload.c
	$(CC) -shared -fPIC -Wl,-z,initfirst -o $@ $<

# What has to be preloaded into the server, in this order: the sanitizer looks
# for crypt_r() once, before the extension brings libcrypt.
.PHONY: show-preload
show-preload:
	@echo $(abspath preload.so) $(call runtime,asan,so) libcrypt.so.1

$(OBJS): %.o: $(top)/%.c
	@$(MKDIR_P) $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<
