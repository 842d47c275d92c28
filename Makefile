# make run: set up and serve.   make test: set up and test.   The rest is in README.md.
.PHONY: install setup run demo test lint docs bench chaos clean
.DEFAULT_GOAL := run

PIP = .venv/bin/pip --quiet --disable-pip-version-check

.venv/bin/pip:
	scripts/python

# What serving needs.
.venv/.run: pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

# What developing needs besides.
.venv/.dev: .venv/.run
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	touch $@

# .venv/bin/hub, for what serves it: docs/deploy.md.
install: .venv/.run

setup: .venv/.dev
	scripts/ensure 'chromium|chromium-browser' chromium nginx nginx-light curl curl openssl openssl \
		'pg_ctlcluster|postgres' postgresql redis-server redis-server pgbouncer pgbouncer

run: .venv/.run
	exec .venv/bin/hub serve

demo: .venv/.run
	exec .venv/bin/hub serve --demo

test: setup
	.venv/bin/python -m pytest -q -n 4 --dist loadfile

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# What documentation says that follows from the code, between its marks.
docs: .venv/.dev
	.venv/bin/python -m tests.written

# All of it takes twelve minutes or so, a third of them growth; make bench only="fanout memory": these.
bench: setup
	scripts/ensure gcc gcc /usr/include/stdio.h libc6-dev nginx nginx-light \
		/usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
	.venv/bin/python -m bench $(only)

chaos: setup
	.venv/bin/python -m tests.chaos

clean:
	rm -rf .venv build *.egg-info
