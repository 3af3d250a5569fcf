# Targets that test, check, measure, show and package the extension.  Each installs the
# tools it needs, and leaves the system's PostgreSQL and its clusters alone.

# Where they build.
export JWT_AUTH_BUILD ?= $(CURDIR)

# What each one runs, and the groups of test/packages that it needs.
test_runs       = test/run
matrix_runs     = test/matrix/run
demo_runs       = example/demo/run
example_runs    = example/web/run
lint_runs       = test/lint/run
indent_runs     = test/lint/indent
bench_runs      = test/bench/run
load_runs       = test/load/run
soak_runs       = test/soak/run
scale_runs      = test/scale/run
vectors_runs    = test/vectors/run $(FILE)
model_runs      = test/model/run
mutate_runs     = test/mutate/run
fuzz_runs       = test/fuzz/run
sanitize_runs   = test/sanitize/run
valgrind_runs   = test/valgrind/run
dist_runs       = packaging/dist
deb_runs        = packaging/deb

test_needs      = build test
matrix_needs    = matrix
demo_needs      = build cluster
example_needs   = build web
lint_needs      = build lint
indent_needs    = build lint
bench_needs     = build bench
load_needs      = build server
soak_needs      = build test
scale_needs     = build
vectors_needs   = build cluster
model_needs     = model
mutate_needs    = build test
fuzz_needs      = build fuzz
sanitize_needs  = build test sanitize
valgrind_needs  = build server valgrind
dist_needs      = dist
deb_needs       = build deb

PROGRAMS = test matrix demo example lint indent bench load soak scale vectors model mutate \
	fuzz sanitize valgrind dist deb
TOOLS = help $(PROGRAMS)
.PHONY: $(TOOLS)

$(PROGRAMS):
	@$(top)test/packages $($@_needs)
	@$(top)$($@_runs)

define HELP
make              build
make install      install into the PostgreSQL of PG_CONFIG
make installcheck run the regression tests in a running server
make test         run all tests in a private cluster
                  (SUITES="pgtap tap" FILES="a.sql b.pl" KEEP=1
                  SKIP_BROWSER=1)
make matrix       build and test on other PostgreSQL majors, each in
                  a Debian system of its own (ROOTS=trixie QUICK=1)
make demo         the whole flow, step by step (KEEP=1)
make example      a web application to click through (PORT=3000)
make lint         check layout, layers, calls, privileges and more
make indent       lay out the C code
make bench        measure, and compare with other libraries
                  (QUICK=1 ROWS=accounts DOC=1)
make load         many clients through pgbouncer, then an attack beside
                  them (MINUTES=3 CLIENTS=200 RATE=200)
make soak         all ways in at once for hours, while servers are killed,
                  restarted and promoted (MINUTES=120)
make scale        compute what a large installation needs
                  (USERS=N SESSIONS=N REQUESTS=N DOC=1)
make vectors      run a file of test vectors (FILE=vectors.jsonl)
make model        check models of the protocols with spin
                  (MODELS="session one_time")
make mutate       change one thing at a time, and see what no test
                  notices (SEED=1 COUNT=300 FILES="token" TIME=SECONDS)
make fuzz         fuzz the parsers of untrusted bytes
                  (TARGETS="pem der" TIME=SECONDS)
make sanitize     run the tests with sanitizers in the server
                  (SUITES="pgtap" FILES="a.sql")
make valgrind     run tests in a server that checks assertions, and
                  some of them under valgrind (FILES="a.sql")
make dist         make the zip for PGXN of what is committed
make deb          build the Debian package for the PostgreSQL of
                  PG_CONFIG
make clean        remove what was built
endef

help:
	$(info $(HELP))
	@:
