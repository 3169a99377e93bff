# The two commands a user needs are `make up` and `make test`; the others are their parts.
.PHONY: up down build test bench soak sqlx docs fmt compose-up compose-down

up: ## Install what is missing, build, start everything and print the address.
	@scripts/up

down: ## Stop the director and the embedded database; hosted applications go on.
	@scripts/down

build: ## Build director, agent and pages.
	@scripts/build release

test: ## Everything that must pass, headless browser included; leaves nothing behind.
	@scripts/test

comma := ,
bench: ## Measure the table of docs/benchmarks.md (ROWS=start,scale for some of it).
	@scripts/bench rows $(subst $(comma), ,$(ROWS))

soak: ## Random changes under load for 20 minutes (MINUTES=5 for less), then a report of leaks and losses.
	@MINUTES=$(or $(MINUTES),20) scripts/bench soak

sqlx: ## Refresh the committed query data after a change of SQL or migrations (needs DATABASE_URL).
	@scripts/sqlx prepare

docs: ## Renew what docs/kinds/*.md take from the templates of the kinds.
	@AERIE_RENEW_DOCS=1 cargo test --quiet --locked --package aerie-kinds --lib reference

fmt: ## Format the code.
	@cargo fmt --all

compose-up: ## Run director and Postgres in containers instead (docker-compose.yml).
	@scripts/compose up

compose-down: ## Stop those containers.
	@scripts/compose down
