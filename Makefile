# `make help` says what there is. Needs Python 3.11 to 3.13, make and git; everything else is installed into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run fakes test check coverage bench bench-tenants bench-read bench-import bench-orders bench-scan bench-fanout bench-signin-timing bench-login-storm prove-pricing prove-codes prove-tickets race race-gates faults rules shell manage lock upgrade clean format prove-reports prove-billing prove-likes prove-isolation drill

# The environment's own Python if there is one, else the newest that works and can make environments, else the newest
# that works at all, which then says what it lacks. Shims of version managers may be there and fail: each is tried.
define FIND_PYTHON
python=''; \
for wants in 'import ensurepip, venv' 'pass'; do \
	for candidate in $(PYTHON) .venv/bin/python python3.13 python3.12 python3.11 python3; do \
		if [ -z "$$python" ] && \
			$$candidate -Ic "$$wants; import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))" >/dev/null 2>&1; then python=$$candidate; fi; \
	done; \
done; \
if [ -z "$$python" ]; then \
	echo 'foyer: No Python 3.11, 3.12 or 3.13 works here. On Debian and Ubuntu: apt install python3 python3-venv' >&2; exit 1; \
fi
endef
INSTALL = $(FIND_PYTHON); $$python -I platform_config/launcher/install.py

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target what; do printf '%-22s %s\n' "$$target" "$$what"; done

run:  ## start everything on http://localhost:8000 (PORT=…, FOYER_HOME=…); Ctrl-C stops it
	@$(INSTALL) run
	@exec .venv/bin/python -m platform_config.launcher run

# One more than there are cores: a test waits for its server, browser or database for a good part of its time.
TEST_WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)

test:  ## run all tests (ARGS="tests/orders -k refund")
	@$(INSTALL) dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| echo 'Chromium is not installed, so the browser tests are left out (Debian: apt install chromium).'
	@test -x /usr/lib/rabbitmq/bin/rabbitmq-server \
		|| echo 'RabbitMQ is not installed, so its tests are left out (Debian: apt install rabbitmq-server).'
	@exec .venv/bin/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

coverage:  ## run all tests and say which lines none of them reached; fails below 90 %
	@$(INSTALL) dev
	.venv/bin/python -m pytest -n auto --cov --cov-report=term:skip-covered $(ARGS)

check:  ## style, types, layers, templates, missing migrations
	@$(INSTALL) dev
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/python -m pytest -q -p no:cacheprovider tests/test_architecture.py
	DJANGO_SETTINGS_MODULE=platform_config.settings.test .venv/bin/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	.venv/bin/python -m djlint templates --lint --quiet

format:  ## let ruff put the code into shape
	@$(INSTALL) dev
	.venv/bin/python -m ruff check --fix .
	.venv/bin/python -m ruff format .

bench: bench-tenants bench-read bench-import bench-orders bench-scan bench-fanout bench-signin-timing  ## measure every figure that the documentation claims

bench-tenants:  ## creating, migrating and serving up to 1,000 tenants; the last line is BENCH {json}
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.tenants $(ARGS)

bench-read:  ## public reads beside the plainest Django view; the last line is BENCH {json}
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.reads $(ARGS)

bench-orders:  ## orders a second beside the bare transaction, and a rush on 100 places; the last line is BENCH {json}
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.orders $(ARGS)

bench-scan:  ## scans a second at the door beside the bare check-in; the last line is BENCH {json}
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.scan $(ARGS)

bench-fanout:  ## a tick over 1,000 tenants, an idle one, and a noisy neighbour; the last line is BENCH {json}
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.fanout $(ARGS)

bench-import:  ## 100,000 events with ticket types from a CSV file, beside bare COPY; the last line is BENCH {json}
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.imports $(ARGS)

bench-signin-timing:  ## does an answer's time tell whether an address has an account? 1,000 samples of each
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.signin_timing $(ARGS)

prove-codes:  ## a million random and mutated codes at a door, none of which is let in (about 15 minutes)
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.codes $(ARGS)

race-gates:  ## 1,000 tickets, each scanned 100 times at once over HTTP, and all of it once more (about 5 minutes)
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.gate_race $(ARGS)

prove-pricing:  ## prices of a million generated orders against every promise, 5 to 10 minutes (ARGS="--orders 10000")
	@$(INSTALL) dev
	@DJANGO_SETTINGS_MODULE=platform_config.settings.test exec .venv/bin/python -m bench.pricing $(ARGS)

prove-tickets:  ## every ticket file of the demo drawn, printed, folded and read by other programs (10 to 20 minutes)
	@$(INSTALL) dev
	@PROVE_TICKETS=all exec .venv/bin/python -m pytest -q -s -p no:cacheprovider tests/ticketing/test_demo_papers.py $(ARGS)

prove-reports:  ## every report beside SQL over the ledger, for 100,000 generated orders (about 3 minutes; ARGS="--orders 2000")
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.reports $(ARGS)

prove-billing:  ## a year's messages of Stripe in 100 random orders and 20 late ones: one final state
	@$(INSTALL) dev
	@exec env BILLING_ORDERS=100 BILLING_YEARS=20 .venv/bin/python -m pytest -q -n 0 --show-capture=no tests/billing/test_any_order.py $(ARGS)

prove-likes:  ## 200 people press one heart 20 times at once over 180 connections; the last line is BENCH {json} (about 1 minute)
	@$(INSTALL) run
	@exec .venv/bin/python -m bench.hearts $(ARGS)

prove-isolation:  ## every route as every role at twins with equal ids, then 100,000 requests over 20 hosts (15 to 30 minutes)
	@$(INSTALL) dev
	@ISOLATION_ALL=1 .venv/bin/python -m pytest -q -p no:cacheprovider -n $(TEST_WORKERS) tests/isolation/test_crawl.py
	@exec .venv/bin/python -m bench.isolation $(ARGS)

bench-login-storm:  ## 10,000 logins against one account over 20 hosts and 50 addresses
	@$(INSTALL) dev
	@LOGIN_STORM=10000 exec .venv/bin/python -m pytest -q -p no:cacheprovider tests/accounts/test_login_storm.py

race:  ## 150,000 buyers at once, refunds and repeats over HTTP; the last line is BENCH {json} (about 30 minutes)
	@$(INSTALL) dev
	@exec .venv/bin/python -m bench.race $(ARGS)

faults:  ## kill -9 at every fault point, and a storm; last line BENCH {json} (40 minutes; ARGS="--only storm": 8)
	@$(INSTALL) dev
	@exec .venv/bin/python -m bench.faults $(ARGS)

drill:  ## a tenant of 1,000,000 rows backed up, erased, restored while others sell; last line BENCH {json} (15 minutes)
	@$(INSTALL) dev
	@exec .venv/bin/python -m bench.drill $(ARGS)

rules:  ## the order's life, 200 whole runs of 40 random steps (and some shorter) over HTTP beside a plain model
	@$(INSTALL) dev
	@RULES_RUNS=320 RULES_STEPS=40 exec .venv/bin/python -m pytest -q -p no:cacheprovider tests/rules $(ARGS)

fakes:  ## fake Stripe, PayPal and FreedomPay on ports 8011 to 8013 (`make run` starts its own)
	@$(INSTALL) run
	.venv/bin/python -m tests.fakes

shell:  ## a Django shell on what `make run` has started
	@$(INSTALL) run
	@exec .venv/bin/python -m platform_config.launcher manage shell

manage:  ## a Django command on what `make run` has started: make manage ARGS="create_tenant --help"
	@$(INSTALL) run
	@exec .venv/bin/python -m platform_config.launcher manage $(ARGS)

COMPILE = .venv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock"
UV = uv==0.13.8

lock:  ## write lock/ anew after a change of pyproject.toml; versions that need not change stay
	@$(INSTALL) run
	$(COMPILE) $(UPGRADE) pyproject.toml -o lock/production.txt
	$(COMPILE) $(UPGRADE) --extra embedded pyproject.toml -o lock/run.txt
	$(COMPILE) $(UPGRADE) --extra embedded --group dev pyproject.toml -o lock/dev.txt
	echo '$(UV)' | $(COMPILE) - -o lock/uv.txt

upgrade:  ## write lock/ anew with the newest versions
	@$(MAKE) --no-print-directory lock UPGRADE=--upgrade

clean:  ## remove what tools have made, .venv too; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage .coverage.* build
	find . -name __pycache__ -type d -prune -not -path './var/*' -exec rm -rf {} +
	find . -name '*.mo' -not -path './var/*' -delete
