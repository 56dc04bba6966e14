"""ainl-align: align a small language model to AINL, and know whether it worked."""

import os

# Threads of GNU OpenMP (torch's on Linux) wait for one another in a busy loop, of 300,000 turns as it comes: where
# another process takes a core meanwhile, decoding is several times slower (docs/log.md). Read when torch is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
