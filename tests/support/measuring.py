"""A plugin that measures coverage in each process of the tests, from before our code is loaded, and in none that a test starts.

Named on pytest's command line by `make test`; without `COVERAGE_PROCESS_START` it does nothing. Processes that tests start would
take twice as long to begin.
"""

import coverage

coverage.process_startup()
